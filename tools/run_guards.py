#!/usr/bin/python3
"""Every guard of src/base/guard_names.h, shown to be tested: inverted, and open to all, it must make some test fail.

    run_guards.py --build build/guards [GUARD...]

The build has to be one with ISTHMUS_GUARDS. For each place that asks a guard, the tests that are to notice run three times: with
the guard as it is, where they have to pass; inverted; and letting everything pass, since that is what a guard nobody tests would
come to. If they do not notice, every test program runs whole, to find one that does. A test that does not end has noticed nothing.
"""
import argparse
import concurrent.futures
import functools
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAMS = ("unit_esp", "unit_crypto", "unit_keying", "unit_net", "unit_session", "unit_ppp", "unit_config", "unit_io", "unit_app")
MODES = {"inverted": "ISTHMUS_INVERT", "open": "ISTHMUS_OPEN"}
SECONDS = 60
AT_ONCE = 2

# Who is to notice: the program, and its tests as --gtest_filter has them.
WATCHED_BY = {
    "kEspLength": ("unit_esp", "EspFormat.RefusesLengthsThatNoPacketHas"),
    "kSpi": ("unit_esp", "Tunnel.TellsWhyItDropsInTheOrderOfItsChecks"),
    "kReplay": ("unit_esp", "InboundSa.RejectsAReplay"),
    "kIcv": ("unit_esp", "InboundSa.RejectsEveryFlippedBit"),
    "kEspPadding": ("unit_esp", "EspFormat.StripsPadding*:EspFormat.RefusesPaddingLongerThanThePacket"),
    "kNextHeader": ("unit_esp", "Tunnel.TakesNoNextHeaderButIpAndDummies"),
    "kInnerPacket": ("unit_esp", "Tunnel.TakesNoNextHeaderButIpAndDummies"),
    "kSelectorSource": ("unit_net", "Selector.StopsASpoofedInnerSource"),
    "kSelectorOwnSource": ("unit_net", "Selector.StopsOurOwnSources*"),
    "kSelectorDestination": ("unit_net", "Selector.StopsADestinationThatWasNotOffered"),
    "kSelectorNeverRouted": ("unit_net", "Selector.StopsWhatIsNeverRoutedThoughADefaultRouteHoldsIt"),
    "kNewest": ("unit_esp", "TunnelRemote.StaysForAnOlderPacketFromElsewhere"),
    "kHardLimit": ("unit_esp", "OutboundSa.RefusesAtTheHardLimitOfPacketsAndNeverWraps"),
    "kSharedSecret": ("unit_crypto", "KeyPair.RefusesAPeersValueThatGivesZero"),
    "kSelfTest": ("unit_crypto", "SelfTest.*"),
    "kKeyRole": ("unit_keying", "RekeyerTest.TakesNoOfferAtTheEndThatMakesThem:RekeyerTest.BeginsByItselfAsTheCaller"),
    "kNextGeneration": ("unit_keying", "RekeyerNumbersTest.RefuseAnOfferThatSkipsAny"),
    "kKeyPause": ("unit_keying", "RekeyerTest.RefusesASecondOfferWithinASecond"),
    "kPeerSpis": ("unit_keying", "RekeyerTest.RefusesReservedSpis:AnswerTest.WithAReservedSpiIsRefused"),
    "kAwaitedAnswer": ("unit_keying", "AnswerTest.ToAnotherGenerationIsRefused"),
    "kOfferedCipher": ("unit_keying", "AnswerTest.WithACipherThatWasNotOfferedIsRefused"),
    "kOfferedEsn": ("unit_keying", "AnswerTest.WithSequenceNumbersThatWereNotOfferedIsRefused"),
    "kProofToken": ("unit_keying", "RekeyerTest.TakesAnEchoWithAnotherTokenForNoProof"),
    "kProbeToken": ("unit_session", "PathProbesTest.TakeNoEchoOfAnotherTokenOrGeneration"),
    "kProvenAddress": ("unit_session", "RemoteMove.IsNotDueBeforeItsProbeCameBack"),
    "kMoveProbes": ("unit_session", "RemoteMove.SendsTwoProbesAtMost"),
    "kReplies": ("unit_session", "DatagramPathTest.AnswersAProbeFromAnUnknownAddressWithOneProbeATick"),
    "kProbeAddress": ("unit_session", "PathCandidates.LeaveOutWhatIsRoutedIntoTheTunnel"),
    "kQuotedSpi": ("unit_session", "DatagramPathTest.TakesATooBigOfAnSpiThatIsNoneOfOursForNothing"),
    "kQuotedAddress": ("unit_session", "DatagramPathTest.TakesATooBigOfAnAddressThatPacketsDoNotGoToForNothing"),
    "kLeastMtu": ("unit_session", "PathMtuTest.IgnoresIcmpBelowWhatEveryPathTakes"),
    "kWorkers": ("unit_session", "DatagramHello.WithoutAPortOrWithWorkersThatCannotBeIsRefused"),
    "kMessageLength": ("unit_keying", "KeyMessage.CutAnywhereIsRefused"),
    "kMessageField": ("unit_keying", "KeyMessage.WithAFieldBeyondItsEndIsRefused"),
    "kMessageFieldOnce": ("unit_keying", "KeyMessage.WithAnyOfItsFieldsTwiceIsRefused:KeyMessage.ComesBackAsItWasSent"),
    "kVsnpLength": ("unit_session", "Message.SurvivesEveryTruncation"),
    "kVsnpField": ("unit_session", "Message.RefusesFieldsThatBreakTheirFormat:Message.ComesBackAsItWasSent"),
    "kVsnpFieldOnce": ("unit_session", "Message.RefusesAnIdTwice:Message.ComesBackAsItWasSent"),
    "kSegmentSize": ("unit_session", "StreamMessage.TakesNothingElseForASuperPacket"),
    "kSuperHeaders": ("unit_net", "CheckSuperPacket.BoundsTheHeadersThatEachPacketRepeats"),
    "kSegments": ("unit_net", "CheckSuperPacket.WantsMoreThanOneSegment"),
    "kFcs": ("unit_ppp", "HdlcDecoder.CountsABadFcs"),
    "kFrameTooShort": ("unit_ppp", "HdlcDecoder.CountsOneToThreeOctetsAsTooShort"),
    "kFrameTooLong": ("unit_ppp",
                      "HdlcDecoder.TakesInformationUpToTheLimitAndNoMore:HdlcDecoder.CountsAnEndlessFrameOnce"),
    "kMru": ("unit_ppp", "Link.DropsEverythingElseBeyondTheMruAlsoWhereSuperPacketsAreAgreed"),
    "kLcpOpened": ("unit_ppp", "Hostile.EchoesAndRejectsOutsideOpenedAreDiscarded"),
    "kNetworkOpened": ("unit_ppp", "Hostile.PacketsOfAProtocolThatIsNotUpAreDropped:Link.CarriesPacketsOnlyOfWhatIsUp"),
    "kControlLength": ("unit_ppp", "ControlPacket.IsRefusedWithALengthBeyondTheFrame"),
    "kOptionEnd": ("unit_ppp", "Options.AreRefusedWhenOneRunsPastTheEnd"),
    "kReplyIdentifier": ("unit_ppp", "HostileLcp.RepliesThatMatchNoRequestAreDiscarded"),
    "kAckedOptions": ("unit_ppp", "HostileLcp.RepliesThatMatchNoRequestAreDiscarded"),
    "kRefusals": ("unit_ppp", "HostileRequests.ForAForbiddenAddressWithoutEndEndTheLinkAsRefused"),
    "kRemoteAddress": ("unit_ppp", "*HostileAddress.IsNeverAccepted/*"),
    "kLocalAddress": ("unit_ppp", "*HostileAddress.IsNeverTakenFromANak/*"),
    "kNeverRouted": ("unit_config", "Policy.NeverAcceptsWhatNobodyMayClaim"),
    "kDenied": ("unit_config", "Policy.AdoptsARootLoginsRequestLessWhatIsDenied"),
    "kAccepted": ("unit_config", "Policy.RefusesTheRestWithTheFlagOrLineThatWouldPermitIt"),
    "kDefaultRoute": ("unit_config", "Policy.AcceptsADefaultRouteOnlyWhenWrittenOut"),
    "kOurAddress": ("unit_config", "Policy.NeverAcceptsAnAddressOfOursThatLiesInNoNetwork"),
    "kOurNetwork": ("unit_config", "Policy.NeverAcceptsOurAddressesOrNetworks"),
    "kOurRoute": ("unit_config", "Policy.RefusesPartsOfOurNetworksBehindAnotherRouterUnlessWrittenOut"),
    "kOurOffer": ("unit_config", "Policy.RefusesWhatOverlapsOurOwnOfferUnlessWrittenOut"),
    "kOuterEndpoint": ("unit_config", "Policy.GuardsTheOuterEndpoint"),
    "kOtherSession": ("unit_config", "Policy.RefusesWhatAnotherSessionHas"),
    "kPeerAddress": ("unit_config", "AddressPolicy.Permits*"),
    "kGivenAddress": ("unit_config", "AddressPolicy.*"),
    "kRoot": ("unit_config", "PeerChoice.RefusesAnyoneWithoutRoot"),
    "kPeerName": ("unit_config", "PeerChoice.OpensNoFileByAHostileName"),
    "kForcedCommand": ("unit_config", "PeerChoice.AdoptsNothingUnderAForcedCommand"),
    "kAdoption": ("unit_config", "PeerChoice.AdoptsTheRequestOfADirectRootLogin"),
    "kRootLogin": ("unit_config", "PeerChoice.AdoptsNothingButALoginThatSshShows"),
    "kSudoUser": ("unit_config", "PeerChoice.LetsASudoUserHaveAnotherFileOnlyWhenItListsHim"),
    "kJoinsFile": ("unit_config", "JoiningStream.OfAFileJoinsNoSessionWithoutThatFile"),
    "kJoinsUp": ("unit_config", "JoiningStream.*"),
    "kWithinFile": ("unit_config", "BeyondFile.IsWhatTheCommandLinePermitsAndTheFileDoesNot"),
    "kLoginSocket": ("unit_io", "LoginOriginTest.IsNoConnectionThatAUserMade"),
    "kLoginAncestors": ("unit_io", "LoginOriginTest.IsNotRootsWhereAUserBecameRoot"),
    "kLoginGroups": ("unit_io", "LoginOriginTest.IsNotRootsUnderASetUidProgram"),
    "kSessionName": ("unit_io", "SessionName.MayNotLeaveItsDirectory"),
    "kControlPeer": ("unit_io", "ControlSocket.RefusesAnotherUserWhateverTheModeOfTheFile"),
    "kRequestSize": ("unit_app", "MonitorRequest.IsRefusedInAnotherSize"),
    "kRequestFields": ("unit_app", "MonitorRequest.IsRefusedWithA*"),
    "kEnginePlan": ("unit_app", "EngineRulesTest.RefusesToJoinAPeerThatOnlyPlans"),
    "kEngineRefusal": ("unit_app", "EngineRulesTest.RefusesAPeerWhoseRequestPolicyRefuses"),
    "kEngineAccepted": ("unit_app", "EngineRulesTest.RefusesWhatItHasRefusedThoughItWouldPermitItNow"),
    "kEngineAcceptedNow": ("unit_app", "EngineRulesTest.RefusesWhatHasBecomeThisMachinesSince"),
    "kEngineNetworks": ("unit_app", "EngineRulesTest.RefusesAnAgreementOnNothing"),
    "kEngineOffered": ("unit_app", "EngineRulesTest.RefusesToOfferMoreThanPolicyDoes"),
    "kEngineLocalAddress": ("unit_app", "EngineRulesTest.RefusesAddressesThatPolicyDoesNotPermit"),
    "kEngineRemoteAddress": ("unit_app", "EngineRulesTest.RefusesAddressesThatPolicyDoesNotPermit"),
    "kEngineInterfaceId": ("unit_app", "EngineRulesTest.RefusesInterfaceIdentifiersOfZero"),
    "kEngineMtu": ("unit_app", "EngineRulesTest.KeepsOneMtu*"),
    "kEngineQueues": ("unit_app", "EngineRulesTest.KeepsOneMtu*"),
    "kEngineSockets": ("unit_app", "EngineRulesTest.KeepsOneMtu*"),
    "kLauncherChildren": ("unit_app", "LauncherTest.StartsNoMoreThanASessionNeeds"),
    "kLauncherDial": ("unit_app", "LauncherTest.StartsNoSshForASessionThatIsCalled"),
    "kDestination": ("unit_config", "Destination.RefusesWhatSshCouldMisunderstand"),
    "kSshOption": ("unit_config", "SshOption.IsRefusedWhenItBreaksTheStream"),
    "kSshFlag": ("unit_config", "SshWords.AreCheckedLikeOptions"),
    "kHostKeyCheck": ("unit_config", "SshSettings.SeeThatAnyMachineWouldBeTaken"),
    "kKnownHosts": ("unit_config", "SshOption.IsRefusedWhenItWeakensTheHostKeyCheck"),
    "kAgentOwner": ("unit_io", "SshEnvironment.KeepsOnlyAnAgentThatBelongsToTheUser"),
    "kSudoEnvironment": ("unit_io", "InvokingUser.BelievesNoSudoThatPasswdContradicts"),
    "kPolicyKind": ("unit_io", "PolicyFile.IsNothingButAFile"),
    "kPolicyOwner": ("unit_io", "PolicyFile.OfAnotherUserIsRefused:PolicyFile.IsReadWhereOnlyItsOwnerCanHaveWrittenIt"),
    "kPolicyMode": ("unit_io", "PolicyFile.IsRefusedWhereOthersCanWriteIt:PolicyFile.IsReadWhereOnlyItsOwnerCanHaveWrittenIt"),
    "kPolicySize": ("unit_io", "PolicyFile*Limit*"),
    "kRuntimeKind": ("unit_io", "RuntimeDir.RefusesAFile"),
    "kRuntimeOwner": ("unit_io", "RuntimeDir.RefusesADirectoryOfAnotherUser:RuntimeDir.IsMadeForItsOwnerAlone"),
    "kRuntimeMode": ("unit_io", "RuntimeDir.RefusesADirectoryThatOthersCanWrite:RuntimeDir.IsMadeForItsOwnerAlone"),
    "kBootId": ("unit_io", "RuntimeDir.RemovesWhatEarlierBootsLeftAndNothingElse"),
    "kLiveOwner": ("unit_io", "JournalTest.BelongsToOneLivingOwner"),
    "kAuthInfoOwner": ("unit_io", "AuthInfoFile.IsNobodyElses"),
    "kSysctlKey": ("unit_io", "Sysctl.RefusesKeysThatLeadElsewhere:Sysctl.ReadsAndWritesBelowItsRoot"),
    "kChecksumPlace": ("unit_io", "AcceptPacket.NeverWritesAChecksumOutsideOfThePacket"),
}


class Failure(Exception):
    """The run itself shows nothing: a test that is not there, or that fails without any inversion."""


def guards():
    text = (ROOT / "src/base/guard_names.h").read_text()
    return re.findall(r"\b(k\w+)\b(?=[^/\n]*,)", re.search(r"enum class Guard : .*?\{(.*?)\n\};", text, re.S)[1])


def places():
    """Every place that asks a guard, as ISTHMUS_INVERT has it: kReplay@esp/inbound_sa.cc:22."""
    for path in sorted((ROOT / "src").rglob("*")):
        if path.suffix not in (".cc", ".h") or path.name.endswith("_test.cc"):
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            for name in re.findall(r"\bguard<Guard::(k\w+)>\(", line):
                yield f"{name}@{path.relative_to(ROOT / 'src')}:{number}"


def disagreements(names, asked):
    """Between the enumeration, the table here and the source: a guard nobody asks guards nothing."""
    used = {place.split("@")[0] for place in asked}
    for name in names:
        if name not in used:
            yield f"{name}: no source asks it"
        if name not in WATCHED_BY:
            yield f"{name}: tools/run_guards.py does not say who watches it"
    yield from (f"{name}: tools/run_guards.py names it, src/base/guard_names.h does not" for name in sorted(set(WATCHED_BY) - set(names)))
    yield from (f"{place}: twice in a line" for place in sorted(set(asked)) if asked.count(place) > 1)


def traces_in(program):
    """Whatever of the guards' switch a program holds that is to have none of it."""
    octets = program.read_bytes()
    return [word for word in ("ISTHMUS_INVERT", "ISTHMUS_OPEN", "guard_mode") if word.encode() in octets]


class Tests:
    def __init__(self, build):
        self.build = build

    def run(self, program, tests, mode="", place=""):
        environment = {key: value for key, value in os.environ.items() if key not in MODES.values()}
        if mode:
            environment[MODES[mode]] = place
        return subprocess.run([self.build / program, f"--gtest_filter={tests}", "--gtest_color=no"], cwd=ROOT, env=environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SECONDS,
                              text=True, errors="replace", check=False)

    @functools.cache
    def check_plain(self, program, tests):
        done = self.run(program, tests)
        passed = re.search(r"^\[  PASSED  \] (\d+) test", done.stdout, re.M)
        if done.returncode != 0 or not passed or int(passed[1]) == 0:
            raise Failure(f"{program} {tests}: does not pass as it is, or is not there\n{done.stdout[-2000:]}")
        if "[  SKIPPED ]" in done.stdout:
            raise Failure(f"{program} {tests}: was skipped: {done.stdout[-500:]}")

    def noticed(self, program, tests, mode, place):
        """How: the name of a test that fails, or of the signal that ended the program; empty if it passed."""
        try:
            done = self.run(program, tests, mode, place)
        except subprocess.TimeoutExpired:
            return ""
        if done.returncode < 0:
            return signal.Signals(-done.returncode).name
        failed = re.search(r"^\[  FAILED  \] ([\w./]+)", done.stdout, re.M)
        return failed[1] if done.returncode != 0 and failed else ""

    def judge(self, place):
        """For each mode how it was noticed, or by whom else; empty if by nobody."""
        program, tests = WATCHED_BY[place.split("@")[0]]
        self.check_plain(program, tests)
        return [self.noticed(program, tests, mode, place) or self.by_another(place, mode) for mode in MODES]

    def by_another(self, place, mode):
        for program in PROGRAMS:
            how = self.noticed(program, "*", mode, place)
            if how:
                return f"{how} of {program}, which the table does not name"
        return ""


def judge_all(tests, asked):
    survivors = []
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        futures = {place: pool.submit(tests.judge, place) for place in asked}
        for place, future in futures.items():
            try:
                verdicts = future.result()
            except (Failure, OSError, subprocess.TimeoutExpired) as error:
                print(f"{place}: {error}", flush=True)
                survivors.append(place)
                continue
            if not all(verdicts):
                survivors.append(place)
            print(place, *(f"{mode:>12}: {verdict or 'SURVIVES'}" for mode, verdict in zip(MODES, verdicts)), sep="\n", flush=True)
    return survivors


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/guards")
    parser.add_argument("guards", nargs="*", metavar="GUARD")
    options = parser.parse_args()
    began = time.monotonic()
    every, asked = guards(), list(places())
    wrong = list(disagreements(every, asked)) + [f"{name}: no such guard" for name in options.guards if name not in every]
    release = ROOT / "build/release/bin/isthmus"
    if release.exists():
        wrong += [f"{release.relative_to(ROOT)} holds {word}" for word in traces_in(release)]
    if wrong:
        print("\n".join(wrong))
        return 1
    names = options.guards or every
    asked = [place for place in asked if place.split("@")[0] in names]
    survivors = judge_all(Tests(options.build.resolve()), asked)
    print(f"guards: {len(names)}, asked in {len(asked)} places; {len(asked) - len(survivors)} of them noticed inverted and open, "
          f"in {time.monotonic() - began:.0f} s")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
