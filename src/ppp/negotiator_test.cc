#include "ppp/negotiator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace isthmus::ppp {
namespace {

using namespace std::chrono_literals;

// Asks for one option and takes whatever the peer asks.
class OneWish final : public OptionPolicy {
 public:
  void reset() override { value = 1; }
  void append_request(Bytes& out) override { append_option(1, Bytes{value}, out); }
  Judgement judge(const Option& option) override {
    return option.type == 1 ? Judgement::ack() : Judgement::reject();
  }
  void append_missing(const std::vector<Option>&, Bytes&) override {}
  void grant(const std::vector<Option>&) override {}
  Result<void> nakked(const std::vector<Option>& suggested) override {
    if (!suggested.empty() && !suggested[0].value.empty()) value = suggested[0].value[0];
    return {};
  }
  Result<void> rejected(const std::vector<Option>&) override { return {}; }
  [[nodiscard]] std::string describe(const Option& option) const override { return describe_unknown(option); }

  std::uint8_t value = 1;
};

class NegotiatorTest : public testing::Test {
 protected:
  void start(NegotiatorOptions options = {}) {
    options.name = "TEST";
    negotiator_.emplace(options, policy_);
    negotiator_->open(now_);
    negotiator_->up(now_);
  }
  // The packets put out since the last call, one Bytes each.
  std::vector<Bytes> sent() {
    std::vector<Bytes> out;
    for (const NegotiatorOutput& output : negotiator_->take_outputs()) {
      if (const auto* packet = std::get_if<Send>(&output)) out.push_back(packet->information);
      if (const auto* signal = std::get_if<LayerSignal>(&output)) signals_.push_back(*signal);
    }
    return out;
  }
  void feed(Code code, std::uint8_t identifier, ConstBytes data) {
    negotiator_->receive(now_, ControlPacket{static_cast<std::uint8_t>(code), identifier, data});
  }
  void wait(Duration length) {
    now_ += length;
    negotiator_->advance(now_);
  }

  OneWish policy_;
  std::optional<Negotiator> negotiator_;
  std::vector<LayerSignal> signals_;
  Instant now_{1h};
  const Bytes wish_{1, 3, 1};
};

TEST_F(NegotiatorTest, KeepsTheIdentifierOfARetransmissionSoThatALateAckCounts) {
  start();
  const std::vector<Bytes> first = sent();
  wait(3s);
  EXPECT_EQ(sent(), first);
  feed(Code::kConfigureAck, first[0][1], wish_);
  EXPECT_EQ(negotiator_->state(), State::kAckRcvd);
}

TEST_F(NegotiatorTest, TakesANewIdentifierForNewContents) {
  start();
  const std::uint8_t identifier = sent()[0][1];
  feed(Code::kConfigureNak, identifier, Bytes{1, 3, 9});
  const std::vector<Bytes> next = sent();
  ASSERT_EQ(next.size(), 1U);
  EXPECT_NE(next[0][1], identifier);
  EXPECT_EQ(next[0][6], 9);
}

TEST_F(NegotiatorTest, TakesANewIdentifierAfterAValidReply) {
  start();
  const std::uint8_t identifier = sent()[0][1];
  feed(Code::kConfigureAck, identifier, wish_);
  wait(3s);  // Ack-Rcvd, TO+
  EXPECT_NE(sent()[0][1], identifier);
}

TEST_F(NegotiatorTest, CountsTheFirstTransmissionToo) {
  start({.max_configure = 3});
  std::size_t requests = sent().size();
  for (int second = 0; second < 60; ++second) {
    wait(1s);
    requests += sent().size();
  }
  EXPECT_EQ(requests, 3U);
  EXPECT_EQ(signals_.back(), LayerSignal::kFinished);
  EXPECT_FALSE(negotiator_->failure().empty());
}

TEST_F(NegotiatorTest, AsksToTerminateTwiceAndThenIsClosed) {
  start();
  sent();
  negotiator_->close(now_, "bye");
  const std::vector<Bytes> first = sent();
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0][0], static_cast<std::uint8_t>(Code::kTerminateRequest));
  EXPECT_EQ(text_of(ConstBytes(first[0]).subspan(4)), "bye");
  wait(3s);
  EXPECT_EQ(sent().size(), 1U);
  wait(3s);
  EXPECT_TRUE(sent().empty());
  EXPECT_TRUE(negotiator_->is_closed());
  EXPECT_EQ(signals_.back(), LayerSignal::kFinished);
}

TEST_F(NegotiatorTest, GivesAPeerThatNaksForeverUpEvenWhenPassive) {
  start({.passive = true});
  for (std::uint8_t round = 0; round < 50 && !negotiator_->is_stopped(); ++round)
    feed(Code::kConfigureNak, sent().at(0)[1], Bytes{1, 3, static_cast<std::uint8_t>(round + 2)});
  EXPECT_TRUE(negotiator_->is_stopped());
  sent();
  EXPECT_EQ(signals_.back(), LayerSignal::kFinished);
}

TEST_F(NegotiatorTest, GivesAPeerThatAsksAndNeverAgreesUpEvenWhenPassive) {
  start({.passive = true});
  feed(Code::kConfigureRequest, 7, {});
  for (int round = 0; round < 10; ++round) wait(3s);
  EXPECT_TRUE(negotiator_->is_stopped());
  sent();
  EXPECT_EQ(signals_.back(), LayerSignal::kFinished);
  EXPECT_THAT(negotiator_->failure(), testing::HasSubstr("no agreement on"));
}

TEST_F(NegotiatorTest, AnswersARequestInStoppedWithOneOfItsOwn) {
  start({.silent = true});
  EXPECT_TRUE(sent().empty());
  feed(Code::kConfigureRequest, 7, {});
  const std::vector<Bytes> out = sent();
  ASSERT_EQ(out.size(), 2U);
  EXPECT_EQ(out[0][0], static_cast<std::uint8_t>(Code::kConfigureRequest));
  EXPECT_EQ(out[1], (Bytes{2, 7, 0, 4}));
  EXPECT_EQ(negotiator_->state(), State::kAckSent);
}

TEST_F(NegotiatorTest, AnswersInClosedWithTerminateAcksAlone) {
  start();
  sent();
  negotiator_->close(now_, "");
  feed(Code::kTerminateAck, 2, {});
  sent();
  for (const Code code : {Code::kConfigureRequest, Code::kConfigureAck, Code::kConfigureNak,
                          Code::kConfigureReject, Code::kTerminateRequest}) {
    feed(code, 5, {});
    EXPECT_EQ(sent(), (std::vector<Bytes>{{6, 5, 0, 4}}));
  }
  feed(Code::kTerminateAck, 5, {});
  EXPECT_TRUE(sent().empty());
}

TEST_F(NegotiatorTest, PausesOneRestartTimeWhenThePeerTerminates) {
  start();
  feed(Code::kConfigureAck, sent()[0][1], wish_);
  feed(Code::kConfigureRequest, 1, {});
  ASSERT_TRUE(negotiator_->is_opened());
  feed(Code::kTerminateRequest, 2, {});
  sent();
  EXPECT_EQ(signals_.back(), LayerSignal::kDown);
  wait(2900ms);
  sent();
  EXPECT_EQ(signals_.back(), LayerSignal::kDown);
  wait(100ms);
  EXPECT_TRUE(sent().empty());
  EXPECT_EQ(signals_.back(), LayerSignal::kFinished);
}

TEST_F(NegotiatorTest, RunsNoTimerWhereTheTableHasNone) {
  start();
  feed(Code::kConfigureAck, sent()[0][1], wish_);
  EXPECT_TRUE(negotiator_->next_deadline());
  feed(Code::kConfigureRequest, 1, {});
  EXPECT_FALSE(negotiator_->next_deadline());
}

}  // namespace
}  // namespace isthmus::ppp
