#include "app/monitor_request.h"

#include <gtest/gtest.h>

namespace isthmus::app {
namespace {

Prefix prefix(const char* text) {
  return Prefix::parse(text).value();
}
IpAddress address(const char* text) {
  return IpAddress::parse(text).value();
}

template <typename Request>
Request there_and_back(const Request& request) {
  const RequestOctets octets = encode_monitor_request(request).value();
  const MonitorRequest read = decode_monitor_request(octets).value();
  return std::get<Request>(read);
}

Join whole_join() {
  Join join{.leg = 7,
            .accepted = {prefix("193.6.37.0/24"), prefix("2001:db8:37::/64")},
            .offered = {prefix("193.6.35.0/24")},
            .ipv4 = AgreedIpv4{address("193.6.35.12"), address("193.6.37.12")},
            .ipv6 = AgreedIpv6{1, ~0ULL}};
  return join;
}

TEST(MonitorRequest, BringsAnAgreementThrough) {
  const Join sent = whole_join();
  const Join read = there_and_back(sent);
  EXPECT_EQ(read.leg, sent.leg);
  EXPECT_EQ(read.accepted, sent.accepted);
  EXPECT_EQ(read.offered, sent.offered);
  EXPECT_EQ(read.ipv4->local, sent.ipv4->local);
  EXPECT_EQ(read.ipv4->remote, sent.ipv4->remote);
  EXPECT_EQ(read.ipv6->local, sent.ipv6->local);
  EXPECT_EQ(read.ipv6->remote, sent.ipv6->remote);
}

TEST(MonitorRequest, BringsAHelloThrough) {
  const session::Hello hello{.node = {1},
                             .host = {2},
                             .name = "fellini",
                             .is_caller = true,
                             .plan_only = false,
                             .offers = {prefix("193.6.35.0/24")},
                             .wants = {prefix("0.0.0.0/0")}};
  EXPECT_EQ(there_and_back(Judged{3, hello}).hello, hello);
  EXPECT_EQ(there_and_back(Judged{3, std::nullopt}).hello, std::nullopt);
}

TEST(MonitorRequest, TakesTheLongestListsOfAHello) {
  session::Hello hello;
  hello.name = std::string(session::kMaxName, 'x');
  hello.offers.assign(session::kMaxPrefixes, prefix("2001:db8::1/128"));
  hello.wants = hello.offers;
  EXPECT_EQ(there_and_back(Judged{1, hello}).hello, hello);
}

TEST(MonitorRequest, IsRefusedInAnotherSize) {
  const RequestOctets octets = encode_monitor_request(Suspend{}).value();
  EXPECT_FALSE(decode_monitor_request(ConstBytes{octets}.first(kRequestSize - 1)));
  EXPECT_FALSE(decode_monitor_request({}));
}

TEST(MonitorRequest, IsRefusedWithAnythingBehindItsFields) {
  RequestOctets octets = encode_monitor_request(Suspend{}).value();
  octets.back() = 1;
  EXPECT_FALSE(decode_monitor_request(octets));
}

TEST(MonitorRequest, IsRefusedOfAKindThatThereIsNot) {
  RequestOctets octets = encode_monitor_request(ReadFacts{}).value();
  octets[7] = std::variant_size_v<MonitorRequest>;
  EXPECT_FALSE(decode_monitor_request(octets));
  octets[0] = 1;  // and of one that is too large for any
  EXPECT_FALSE(decode_monitor_request(octets));
}

TEST(MonitorRequest, IsRefusedWithAListThatIsTooLong) {
  Join join = whole_join();
  join.accepted.assign(100, prefix("10.0.0.0/8"));
  EXPECT_FALSE(decode_monitor_request(encode_monitor_request(join).value()));
  join.accepted.assign(10'000, prefix("10.0.0.0/8"));
  EXPECT_FALSE(encode_monitor_request(join));
}

TEST(MonitorRequest, IsRefusedWithAPrefixThatIsNone) {
  Join join;
  join.accepted = {prefix("193.6.37.0/24")};
  RequestOctets octets = encode_monitor_request(join).value();
  constexpr std::size_t kLastOctetOfAddress = 8 + 8 + 8 + 1 + 3;  // kind, leg, number of prefixes, octets
  octets[kLastOctetOfAddress] = 1;
  EXPECT_FALSE(decode_monitor_request(octets));
}

}  // namespace
}  // namespace isthmus::app
