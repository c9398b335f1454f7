// Every set of kernels against readings of RFC 1662 that go octet by octet. Buffers have the sizes that are
// promised and no more, so that the sanitizers see a step beyond.
#include "ppp/framing_kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>

#include "base/seeded_random.h"
#include "ppp/hdlc.h"

namespace isthmus::ppp {
namespace {

bool is_special(std::uint32_t accm, std::uint8_t octet) {
  return octet == kFlag || octet == kControlEscape || is_mapped(accm, octet);
}

std::uint16_t plain_fcs16(ConstBytes octets, std::uint16_t initial) {
  unsigned fcs = initial;
  for (const std::uint8_t octet : octets) {
    fcs ^= octet;
    for (int bit = 0; bit < 8; ++bit) fcs = (fcs & 1) != 0 ? (fcs >> 1) ^ 0x8408 : fcs >> 1;
  }
  return static_cast<std::uint16_t>(fcs);
}

Bytes plainly_stuffed(ConstBytes octets, std::uint32_t accm) {
  Bytes out;
  for (const std::uint8_t octet : octets) {
    if (is_special(accm, octet)) out.push_back(kControlEscape);
    out.push_back(is_special(accm, octet) ? octet ^ kEscapeBit : octet);
  }
  return out;
}

struct PlainlyUnstuffed {
  std::size_t read = 0;
  Bytes octets;
};

PlainlyUnstuffed plainly_unstuffed(ConstBytes stream, std::uint32_t accm) {
  PlainlyUnstuffed out;
  while (out.read < stream.size() && stream[out.read] != kFlag) {
    const std::uint8_t octet = stream[out.read];
    const bool escapes = octet == kControlEscape;
    if (escapes) {
      if (out.read + 1 == stream.size()) break;
      const std::uint8_t escaped = stream[out.read + 1];
      if (escaped == kFlag || is_mapped(accm, escaped)) break;
      out.octets.push_back(escaped ^ kEscapeBit);
    } else if (!is_mapped(accm, octet)) {
      out.octets.push_back(octet);
    }
    out.read += escapes ? 2 : 1;
  }
  return out;
}

enum class Content : std::uint8_t { kRandom, kClean, kNoFlag, kOnlySpecial, kOnlyEscapes, kRarelySpecial };
constexpr std::array kContents{Content::kRandom,      Content::kClean,       Content::kNoFlag,
                               Content::kOnlySpecial, Content::kOnlyEscapes, Content::kRarelySpecial};
constexpr std::array<std::uint8_t, 5> kSpecial{kFlag, kControlEscape, 0x00, 0x11, 0x1f};

std::uint8_t octet_of(Content content, std::uint32_t random) {
  const auto any = static_cast<std::uint8_t>(random);
  switch (content) {
    case Content::kRandom:
      return any;
    case Content::kClean:
      return any | 0x80;
    case Content::kNoFlag:
      return any == kFlag ? std::uint8_t{0x5e} : any;
    case Content::kOnlySpecial:
      return kSpecial[any % kSpecial.size()];
    case Content::kOnlyEscapes:
      return kControlEscape;
    case Content::kRarelySpecial:
      return random >> 25 == 0 ? kSpecial[any % kSpecial.size()] : any | 0x80;
  }
  return 0;
}

constexpr std::size_t kLongest = 65'551;

Bytes pool_of(Content content, RandomSource& random) {
  Bytes pool(2 * kLongest);
  for (std::uint8_t& octet : pool) octet = octet_of(content, random.u32());
  return pool;
}

// Some octets of a pool, beginning at any alignment and ending with their allocation.
class Sample {
 public:
  Sample(ConstBytes pool, std::size_t alignment, std::size_t size, RandomSource& random)
      : buffer_(alignment + size), alignment_(alignment) {
    const ConstBytes chosen = pool.subspan(random.u32() % (pool.size() - size), size);
    std::ranges::copy(chosen, buffer_.begin() + static_cast<std::ptrdiff_t>(alignment));
  }
  [[nodiscard]] ConstBytes octets() const { return ConstBytes{buffer_}.subspan(alignment_); }

 private:
  Bytes buffer_;
  std::size_t alignment_;
};

std::uint32_t some_accm(RandomSource& random) {
  constexpr std::array<std::uint32_t, 7> kAccms{0,          0xffffffff, 0x000a0000, 0x00000001,
                                                0x80000000, 0x00008000, 0x00010000};
  const std::size_t choice = random.u32() % (kAccms.size() + 1);
  return choice < kAccms.size() ? kAccms[choice] : random.u32();
}

struct KernelSet {
  std::string name;
  const FramingKernels& (*kernels)();
};

class EachKernelSet : public testing::TestWithParam<KernelSet> {
 protected:
  const FramingKernels& kernels_ = GetParam().kernels();

  // Calls `claim(octets, accm)` for every length up to 300 at every alignment of a vector, and for long ones.
  template <typename Claim>
  void for_all_samples(Claim&& claim) {
    SeededRandom random{1662};
    for (const Content content : kContents) {
      const Bytes pool = pool_of(content, random);
      const auto check = [&](std::size_t alignment, std::size_t size) {
        const Sample sample{pool, alignment, size, random};
        const std::uint32_t accm = some_accm(random);
        SCOPED_TRACE(testing::Message() << size << " octets at " << alignment << ", accm " << std::hex << accm
                                        << ", content " << static_cast<int>(content));
        claim(sample.octets(), accm);
      };
      for (std::size_t size = 0; size <= 300 && !HasFatalFailure(); ++size)
        for (std::size_t alignment = 0; alignment < 32; ++alignment) check(alignment, size);
      for (const std::size_t size : {std::size_t{1400}, std::size_t{4096}, kLongest}) check(size % 31, size);
    }
  }
};

TEST_P(EachKernelSet, ComputesTheFcs) {
  SeededRandom random{16};
  for_all_samples([&](ConstBytes octets, std::uint32_t) {
    const auto initial = static_cast<std::uint16_t>(random.u32());
    ASSERT_EQ(kernels_.fcs16(octets, initial), plain_fcs16(octets, initial));
  });
}

TEST_P(EachKernelSet, StuffsWithinTwiceTheRoom) {
  for_all_samples([&](ConstBytes octets, std::uint32_t accm) {
    Bytes out(2 * octets.size());
    out.resize(kernels_.stuff(octets, accm, out));
    ASSERT_EQ(out, plainly_stuffed(octets, accm));
  });
}

TEST_P(EachKernelSet, FindsTheFirstSpecialOctet) {
  for_all_samples([&](ConstBytes octets, std::uint32_t accm) {
    const auto first =
        std::ranges::find_if(octets, [&](std::uint8_t octet) { return is_special(accm, octet); });
    ASSERT_EQ(kernels_.clean_run(octets, accm), static_cast<std::size_t>(first - octets.begin()));
  });
}

TEST_P(EachKernelSet, FindsEverySpecialOctetAtEveryPlace) {
  for (int octet = 0; octet < 256; ++octet)
    for (std::size_t place = 0; place < 70; ++place)
      for (const std::uint32_t accm : {0U, 0xffffffffU, 0x00010001U, 0xfffefffeU}) {
        Bytes octets(70, 0x55);
        octets[place] = static_cast<std::uint8_t>(octet);
        const std::size_t expected = is_special(accm, octets[place]) ? place : octets.size();
        ASSERT_EQ(kernels_.clean_run(octets, accm), expected) << octet << " with accm " << accm;
      }
}

TEST_P(EachKernelSet, UnstuffsAnythingUpToAFlagWithinTheRoomOfTheStream) {
  for_all_samples([&](ConstBytes stream, std::uint32_t accm) {
    const PlainlyUnstuffed expected = plainly_unstuffed(stream, accm);
    Bytes out(stream.size());
    const Unstuffed done = kernels_.unstuff(stream, accm, out);
    ASSERT_EQ(done, (Unstuffed{.read = expected.read, .written = expected.octets.size()}));
    ASSERT_TRUE(std::ranges::equal(ConstBytes{out}.first(done.written), expected.octets));
  });
}

TEST_P(EachKernelSet, UnstuffsWhatItStuffed) {
  for_all_samples([&](ConstBytes octets, std::uint32_t accm) {
    Bytes stream(2 * octets.size());
    stream.resize(kernels_.stuff(octets, accm, stream));
    Bytes out(stream.size());
    const Unstuffed done = kernels_.unstuff(stream, accm, out);
    ASSERT_EQ(done, (Unstuffed{.read = stream.size(), .written = octets.size()}));
    ASSERT_TRUE(std::ranges::equal(ConstBytes{out}.first(done.written), octets));
  });
}

INSTANTIATE_TEST_SUITE_P(FramingKernels, EachKernelSet,
                         testing::Values(KernelSet{"Portable", portable_kernels},
                                         KernelSet{"Best", best_kernels}),
                         [](const auto& set) { return set.param.name; });

}  // namespace
}  // namespace isthmus::ppp
