#include "ppp/framing_x86.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include <algorithm>
#include <array>
#include <bit>

#include "ppp/fcs_polynomial.h"
#include "ppp/framing_portable.h"

// Each function names the instructions it needs; the rest of the program runs on any x86-64.
#define ISTHMUS_CLMUL [[gnu::target("pclmul,ssse3")]]
#define ISTHMUS_AVX2 [[gnu::target("avx2,bmi")]]

namespace isthmus::ppp {
namespace {

// --- FCS by carry-less multiplication.
//
// The stream is a polynomial, its first bit the highest power; a block of sixteen octets, loaded low octet
// first, has its highest power in bit 0. A remainder does not change when a block is replaced by another that
// is congruent to it: a block D bits in front of another is added to it, multiplied by x^D modulo the
// polynomial, half by half, because a product of 64 by 64 bits fits a block.

constexpr std::size_t kBlock = sizeof(__m128i);
constexpr std::size_t kLanes = 4;  // as many folds as the multiplier has on the way at once

// x^exponent where a multiplication wants it. It is one power lower than asked for, since the product of two
// 64-bit halves has 127 bits and so comes out one power too high.
constexpr long long factor(std::size_t exponent) {
  const std::uint64_t power = power_of_x(exponent - 1);
  return std::bit_cast<long long>(power << 48);
}

// The factors of a fold over `octets`. The first eight octets of a block stand 64 bits higher than the rest.
struct Fold {
  explicit constexpr Fold(std::size_t octets) : first(factor(octets * 8 + 64)), second(factor(octets * 8)) {}
  long long first;
  long long second;
};
constexpr Fold kFoldOne{kBlock};
constexpr Fold kFoldTwo{2 * kBlock};
constexpr Fold kFoldThree{3 * kBlock};
constexpr Fold kFoldFour{4 * kBlock};

ISTHMUS_CLMUL inline __m128i folded(__m128i block, const Fold& fold) {
  const __m128i factors = _mm_set_epi64x(fold.second, fold.first);
  return _mm_xor_si128(_mm_clmulepi64_si128(block, factors, 0x00),
                       _mm_clmulepi64_si128(block, factors, 0x11));
}

ISTHMUS_CLMUL inline __m128i load(const std::uint8_t* octets) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(octets));
}

// Zeros in front of a stream do not change its remainder: the first `size` octets, fewer than a block, moved
// to the end of a block of zeros, so that all that follows is whole blocks.
ISTHMUS_CLMUL inline __m128i padded_front(__m128i octets, std::size_t size) {
  const __m128i places = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const __m128i shift = _mm_set1_epi8(static_cast<char>(static_cast<int>(size) - 16));
  return _mm_shuffle_epi8(octets, _mm_add_epi8(places, shift));
}

// Adds `blocks` four at a time to what stands before them, and returns it as one block.
ISTHMUS_CLMUL __m128i fold_lanes(__m128i before, ConstBytes blocks) {
  __m128i a = _mm_setzero_si128();
  __m128i b = a;
  __m128i c = a;
  __m128i d = before;
  for (; !blocks.empty(); blocks = blocks.subspan(kLanes * kBlock)) {
    const std::uint8_t* const octets = blocks.data();
    a = _mm_xor_si128(folded(a, kFoldFour), load(octets));
    b = _mm_xor_si128(folded(b, kFoldFour), load(octets + kBlock));
    c = _mm_xor_si128(folded(c, kFoldFour), load(octets + 2 * kBlock));
    d = _mm_xor_si128(folded(d, kFoldFour), load(octets + 3 * kBlock));
  }
  return _mm_xor_si128(_mm_xor_si128(folded(a, kFoldThree), folded(b, kFoldTwo)),
                       _mm_xor_si128(folded(c, kFoldOne), d));
}

ISTHMUS_CLMUL std::uint16_t clmul_fcs16(ConstBytes octets, std::uint16_t fcs) {
  if (octets.size() < 2 * kBlock) return portable_fcs16(octets, fcs);

  // The remainder so far is added to the first two octets, wherever these come to lie.
  const std::size_t front = octets.size() % kBlock;
  __m128i sum = padded_front(_mm_xor_si128(load(octets.data()), _mm_cvtsi32_si128(fcs)), front);
  octets = octets.subspan(front);
  const int carried = front < 2 ? fcs >> (8 * front) : 0;
  sum = _mm_xor_si128(folded(sum, kFoldOne), _mm_xor_si128(load(octets.data()), _mm_cvtsi32_si128(carried)));
  octets = octets.subspan(kBlock);

  if (const std::size_t by_lanes = octets.size() / (kLanes * kBlock) * (kLanes * kBlock); by_lanes > 0) {
    sum = fold_lanes(sum, octets.first(by_lanes));
    octets = octets.subspan(by_lanes);
  }
  for (; !octets.empty(); octets = octets.subspan(kBlock))
    sum = _mm_xor_si128(folded(sum, kFoldOne), load(octets.data()));

  std::array<std::uint8_t, kBlock> last;
  _mm_storeu_si128(reinterpret_cast<__m128i*>(last.data()), sum);
  return portable_fcs16(last, 0);
}

// --- Octets that have to be escaped, thirty-two at a time.

constexpr std::size_t kVector = sizeof(__m256i);

// Finds special octets by two look-ups, one for each half of an octet: an octet is special if the entries
// have a bit in common. One bit stands for 0x00..0x0f, one for 0x10..0x1f, one for 0x70..0x7f.
class SpecialOctets {
 public:
  ISTHMUS_AVX2 explicit SpecialOctets(std::uint32_t accm) {
    alignas(kVector / 2) std::array<std::uint8_t, kVector / 2> low{};
    low[kFlag & 0xf] = low[kControlEscape & 0xf] = 4;
    for (std::size_t i = 0; accm != 0 && i < low.size(); ++i)
      low[i] = static_cast<std::uint8_t>(low[i] | ((accm >> i) & 1) | ((accm >> (i + 15)) & 2));
    low_ = _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(low.data())));
    high_ = _mm256_broadcastsi128_si256(_mm_setr_epi8(1, 2, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0));
  }

  // Bit n is set if octet n is special. A look-up by an octet of 0x80 or more yields zero.
  [[nodiscard]] ISTHMUS_AVX2 std::uint32_t among(__m256i octets) const {
    const __m256i high_halves = _mm256_and_si256(_mm256_srli_epi16(octets, 4), _mm256_set1_epi8(0xf));
    const __m256i common =
        _mm256_and_si256(_mm256_shuffle_epi8(low_, octets), _mm256_shuffle_epi8(high_, high_halves));
    const __m256i is_clean = _mm256_cmpeq_epi8(common, _mm256_setzero_si256());
    return ~static_cast<std::uint32_t>(_mm256_movemask_epi8(is_clean));
  }

 private:
  __m256i low_;
  __m256i high_;
};

ISTHMUS_AVX2 inline __m256i load_vector(const std::uint8_t* octets) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(octets));
}

ISTHMUS_AVX2 inline void store_vector(std::uint8_t* out, __m256i octets) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), octets);
}

// Each special octet moves what follows it in the vector one place on: it is stored again there. Reads and
// writes up to one vector too far, hence what it asks of its caller: two vectors to read from, four to write.
ISTHMUS_AVX2 inline std::uint8_t* stuff_vector(const std::uint8_t* octets, std::uint32_t specials,
                                               std::uint8_t* out) {
  for (; specials != 0; specials &= specials - 1) {
    const auto place = static_cast<std::size_t>(std::countr_zero(specials));
    out[place] = kControlEscape;
    out[place + 1] = octets[place] ^ kEscapeBit;
    store_vector(out + place + 2, load_vector(octets + place + 1));
    ++out;
  }
  return out + kVector;
}

ISTHMUS_AVX2 std::size_t avx2_stuff(ConstBytes octets, std::uint32_t accm, MutableBytes out) {
  const SpecialOctets special{accm};
  std::uint8_t* end = out.data();
  for (; octets.size() >= 2 * kVector; octets = octets.subspan(kVector)) {
    const __m256i vector = load_vector(octets.data());
    store_vector(end, vector);
    end = stuff_vector(octets.data(), special.among(vector), end);
  }
  const auto written = static_cast<std::size_t>(end - out.data());
  return written + portable_stuff(octets, accm, out.subspan(written));
}

ISTHMUS_AVX2 std::size_t avx2_clean_run(ConstBytes octets, std::uint32_t accm) {
  const SpecialOctets special{accm};
  std::size_t run = 0;
  for (; octets.size() - run >= kVector; run += kVector) {
    const std::uint32_t specials = special.among(load_vector(octets.data() + run));
    if (specials != 0) return run + static_cast<std::size_t>(std::countr_zero(specials));
  }
  return run + portable_clean_run(octets.subspan(run), accm);
}

// Each escape moves what follows it in the vector one place back: it is stored again there. False if a
// special octet is met that is no plain escape; `at` then counts what came before it. Reads up to two vectors
// and one octet, and writes up to two vectors, from where `at` stands.
ISTHMUS_AVX2 inline bool unstuff_vector(ConstBytes stream, std::uint64_t specials, std::uint32_t accm,
                                        std::uint8_t* out, Unstuffed& at) {
  const std::uint8_t* const octets = stream.data() + at.read;
  out += at.written;
  std::size_t size = kVector;
  std::size_t escapes = 0;
  bool goes_on = true;
  while (specials != 0) {
    const auto place = static_cast<std::size_t>(std::countr_zero(specials));
    const std::uint8_t escaped = octets[place + 1];
    if (octets[place] != kControlEscape || escaped == kFlag || is_mapped(accm, escaped)) {
      size = place;
      goes_on = false;
      break;
    }
    out[place - escapes] = escaped ^ kEscapeBit;
    store_vector(out + place - escapes + 1, load_vector(octets + place + 2));
    ++escapes;
    // The octet behind the escape may look like another, or lie behind the vector.
    size = std::max(kVector, place + 2);
    specials &= ~(std::uint64_t{3} << place);
  }
  at.read += size;
  at.written += size - escapes;
  return goes_on;
}

ISTHMUS_AVX2 Unstuffed avx2_unstuff(ConstBytes stream, std::uint32_t accm, MutableBytes out) {
  const SpecialOctets special{accm};
  Unstuffed at;
  while (stream.size() - at.read > 2 * kVector) {
    const __m256i vector = load_vector(stream.data() + at.read);
    store_vector(out.data() + at.written, vector);
    const std::uint32_t specials = special.among(vector);
    if (!unstuff_vector(stream, specials, accm, out.data(), at) && !unstuff_one(stream, accm, out, at))
      return at;
  }
  return portable_unstuff_from(at, stream, accm, out);
}

}  // namespace

FramingKernels with_x86_vectors(FramingKernels portable) {
  FramingKernels kernels = portable;
  if (__builtin_cpu_supports("pclmul") != 0 && __builtin_cpu_supports("ssse3") != 0)
    kernels.fcs16 = clmul_fcs16;
  if (__builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("bmi") != 0) {
    kernels.stuff = avx2_stuff;
    kernels.clean_run = avx2_clean_run;
    kernels.unstuff = avx2_unstuff;
  }
  return kernels;
}

}  // namespace isthmus::ppp

#else

namespace isthmus::ppp {

FramingKernels with_x86_vectors(FramingKernels portable) {
  return portable;
}

}  // namespace isthmus::ppp

#endif
