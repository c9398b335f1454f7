#include "config/ssh_failure.h"

#include <gtest/gtest.h>

#include <set>

namespace isthmus::config {
namespace {

struct Case {
  int status;
  const char* said;
  SshFailure failure;
};

TEST(SshFailure, IsToldApartByWhatSshSays) {
  const std::vector<Case> cases = {
      {255, "ssh: Could not resolve hostname nowhere: Name or service not known\r\n",
       SshFailure::kNameNotResolved},
      {255, "ssh: connect to host h port 22: Connection refused\r\n", SshFailure::kRefused},
      {255, "ssh: connect to host h port 22: Connection timed out\r\n", SshFailure::kUnreachable},
      {255, "ssh: connect to host h port 22: No route to host\r\n", SshFailure::kUnreachable},
      {255, "ssh: connect to host h port 22: Network is unreachable\r\n", SshFailure::kUnreachable},
      {255,
       "No ED25519 host key is known for h and you have requested strict checking.\r\nHost key verification "
       "failed.\r\n",
       SshFailure::kHostKeyUnknown},
      {255, "Host key verification failed.\r\n", SshFailure::kHostKeyUnknown},
      {255,
       "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\nHost key for h has changed and you have "
       "requested "
       "strict checking.\nHost key verification failed.\nroot@h: Permission denied (publickey).\n",
       SshFailure::kHostKeyChanged},
      {255, "root@h: Permission denied (publickey,password).\r\n", SshFailure::kKeyNotAuthorised},
      {255, "Received disconnect from h port 22:2: Too many authentication failures\r\n",
       SshFailure::kKeyNotAuthorised},
      {1, "sudo: a password is required\n", SshFailure::kSudoWantsPassword},
      {1, "sudo: a terminal is required to read the password; either use the -S option\n",
       SshFailure::kSudoWantsPassword},
      {1, "slave is not in the sudoers file.\n", SshFailure::kSudoForbids},
      {1, "Sorry, user slave is not allowed to execute '/usr/sbin/isthmus' as root on h.\n",
       SshFailure::kSudoForbids},
      {127, "isthmus: not found\n", SshFailure::kNoIsthmus},
      {127, "", SshFailure::kNoIsthmus},
      {31, "isthmus: the forced command of this key names no peer\n", SshFailure::kRefusedThere},
      {255, "Unable to negotiate with h port 22: no matching cipher found. Their offer: x\r\n",
       SshFailure::kNoAgreement},
      {255, "command-line: line 0: Bad configuration option: foo\r\n", SshFailure::kBadOption},
      {255, "Connection closed by h port 22\r\n", SshFailure::kClosed},
      {1, "dbclient: Connection to root@h:22 exited: Host key mismatch for h !\n",
       SshFailure::kHostKeyChanged},
      {1, "dbclient: Connection to root@h:22 exited: No auth methods could be used.\n",
       SshFailure::kKeyNotAuthorised},
  };
  for (const Case& one : cases) {
    const SshDiagnosis diagnosis = classify_ssh_failure({one.status, one.said, "", false}, "root@h");
    EXPECT_EQ(diagnosis.failure, one.failure) << one.said;
    EXPECT_FALSE(diagnosis.what.empty());
  }
}

TEST(SshFailure, SeesTextInsteadOfAStream) {
  const SshDiagnosis diagnosis =
      classify_ssh_failure({0, "", "This account is \x1b[1mclosed\r\nbye", false}, "h");
  EXPECT_EQ(diagnosis.failure, SshFailure::kNoStream);
  EXPECT_NE(diagnosis.what.find("This account is ?[1mclosed"), std::string::npos);
}

TEST(SshFailure, OfAStreamThatRanIsALostConnection) {
  const SshDiagnosis diagnosis = classify_ssh_failure({127, "", "motd", true}, "h");
  EXPECT_EQ(diagnosis.failure, SshFailure::kClosed);
}

TEST(SshFailure, HasAnExitCodeOfItsOwnForEachKind) {
  std::set<ExitCode> codes;
  for (const SshFailure failure :
       {SshFailure::kNoSsh, SshFailure::kNameNotResolved, SshFailure::kRefused, SshFailure::kUnreachable,
        SshFailure::kHostKeyUnknown, SshFailure::kHostKeyChanged, SshFailure::kKeyNotAuthorised,
        SshFailure::kSudoWantsPassword, SshFailure::kNoIsthmus, SshFailure::kRefusedThere,
        SshFailure::kNoStream, SshFailure::kClosed})
    EXPECT_TRUE(codes.insert(exit_code_of(failure)).second);
  EXPECT_EQ(diagnose_missing_ssh("ssh").failure, SshFailure::kNoSsh);
}

TEST(ExitCodes, AreInOneTableByNumberEachOnce) {
  int last = -1;
  std::set<std::string_view> names;
  for (const ExitCodeRow& row : exit_code_table()) {
    EXPECT_GT(static_cast<int>(row.code), last);
    last = static_cast<int>(row.code);
    EXPECT_TRUE(names.insert(row.name).second);
    EXPECT_FALSE(row.meaning.empty());
  }
  EXPECT_EQ(names.size(), 27U);
}

TEST(SshFailure, IsNotRepeatedByAnSshThatWasPassedNoConnection) {
  const char* reason = "ssh: connect to host polanski port 22: Permission denied\n";
  const char* const complaints[] = {"mm_receive_fd: recvmsg: expected received 1 got 0",
                                    "proxy dialer did not pass back a connection"};
  for (const char* line : complaints) {
    EXPECT_TRUE(is_echo_of_connector(line, reason)) << line;
    EXPECT_FALSE(is_echo_of_connector(line, "")) << line;
  }
  EXPECT_FALSE(is_echo_of_connector("Permission denied (publickey).", reason));
}

}  // namespace
}  // namespace isthmus::config
