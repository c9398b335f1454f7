#include "ppp/framing_portable.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "ppp/fcs_polynomial.h"

namespace isthmus::ppp {
namespace {

// --- FCS: sixteen octets a step. Table n holds what an octet adds to the remainder when n more follow it in
// the step, so that the sixteen look-ups do not wait for each other.

constexpr std::size_t kSlices = 16;
using Table = std::array<std::uint16_t, 256>;

constexpr std::array<Table, kSlices> make_tables() {
  std::array<Table, kSlices> tables{};
  for (std::size_t octet = 0; octet < 256; ++octet) {
    auto remainder = static_cast<std::uint16_t>(octet);
    for (int bit = 0; bit < 8; ++bit) remainder = times_x(remainder);
    tables[0][octet] = remainder;
  }
  for (std::size_t slice = 1; slice < kSlices; ++slice)
    for (std::size_t octet = 0; octet < 256; ++octet) {
      const std::uint16_t before = tables[slice - 1][octet];
      tables[slice][octet] = static_cast<std::uint16_t>((before >> 8) ^ tables[0][before & 0xff]);
    }
  return tables;
}

constexpr std::array<Table, kSlices> kTables = make_tables();

std::uint16_t step_of_slices(const std::uint8_t* octets, std::uint16_t fcs) {
  unsigned next = kTables[kSlices - 1][(octets[0] ^ fcs) & 0xff];
  next ^= kTables[kSlices - 2][octets[1] ^ (fcs >> 8)];
  for (std::size_t i = 2; i < kSlices; ++i) next ^= kTables[kSlices - 1 - i][octets[i]];
  return static_cast<std::uint16_t>(next);
}

// --- Octets that have to be escaped: eight a step.

using Word = std::uint64_t;
constexpr Word kOnes = 0x0101010101010101;
constexpr Word kTopBits = kOnes << 7;

Word load(const std::uint8_t* octets) {
  Word word = 0;
  std::memcpy(&word, octets, sizeof word);
  return word;
}

// Not zero just if an octet of `word` is below `limit`, which is at most 128.
constexpr Word any_below(Word word, Word limit) {
  return (word - kOnes * limit) & ~word & kTopBits;
}

// Whether an octet of the word may be special. Any control character is taken for one unless the map is
// empty: which of them are mapped is found octet by octet.
bool may_have_special(Word word, std::uint32_t accm) {
  const Word flags = any_below(word ^ (kOnes * kFlag), 1);
  const Word escapes = any_below(word ^ (kOnes * kControlEscape), 1);
  const Word controls = accm == 0 ? 0 : any_below(word, 0x20);
  return (flags | escapes | controls) != 0;
}

Unstuffed portable_unstuff(ConstBytes stream, std::uint32_t accm, MutableBytes out) {
  return portable_unstuff_from({}, stream, accm, out);
}

}  // namespace

std::uint16_t portable_fcs16(ConstBytes octets, std::uint16_t fcs) {
  for (; octets.size() >= kSlices; octets = octets.subspan(kSlices)) fcs = step_of_slices(octets.data(), fcs);
  for (const std::uint8_t octet : octets)
    fcs = static_cast<std::uint16_t>((fcs >> 8) ^ kTables[0][(fcs ^ octet) & 0xff]);
  return fcs;
}

std::size_t portable_stuff(ConstBytes octets, std::uint32_t accm, MutableBytes out) {
  std::size_t written = 0;
  for (std::size_t read = 0; read < octets.size();) {
    const std::size_t left = octets.size() - read;
    if (left >= sizeof(Word) && !may_have_special(load(&octets[read]), accm)) {
      std::memcpy(&out[written], &octets[read], sizeof(Word));
      read += sizeof(Word);
      written += sizeof(Word);
      continue;
    }
    for (const std::size_t end = read + std::min(left, sizeof(Word)); read < end; ++read) {
      const std::uint8_t octet = octets[read];
      const bool escapes = is_special(accm, octet);
      if (escapes) out[written++] = kControlEscape;
      out[written++] = escapes ? octet ^ kEscapeBit : octet;
    }
  }
  return written;
}

std::size_t portable_clean_run(ConstBytes octets, std::uint32_t accm) {
  const auto is_special_octet = [accm](std::uint8_t octet) { return is_special(accm, octet); };
  std::size_t run = 0;
  while (run < octets.size()) {
    const ConstBytes rest = octets.subspan(run);
    const ConstBytes step = rest.first(std::min(rest.size(), sizeof(Word)));
    if (step.size() < sizeof(Word) || may_have_special(load(step.data()), accm)) {
      const auto found = std::ranges::find_if(step, is_special_octet);
      if (found != step.end()) return run + static_cast<std::size_t>(found - step.begin());
    }
    run += step.size();
  }
  return run;
}

Unstuffed portable_unstuff_from(Unstuffed at, ConstBytes stream, std::uint32_t accm, MutableBytes out) {
  while (at.read < stream.size()) {
    const std::size_t left = stream.size() - at.read;
    if (left >= sizeof(Word) && !may_have_special(load(&stream[at.read]), accm)) {
      std::memcpy(&out[at.written], &stream[at.read], sizeof(Word));
      at.read += sizeof(Word);
      at.written += sizeof(Word);
      continue;
    }
    const std::size_t end = at.read + std::min(left, sizeof(Word));
    while (at.read < end)
      if (!unstuff_one(stream, accm, out, at)) return at;
  }
  return at;
}

const FramingKernels& portable_kernels() {
  static constexpr FramingKernels kKernels{
      .fcs16 = portable_fcs16,
      .stuff = portable_stuff,
      .clean_run = portable_clean_run,
      .unstuff = portable_unstuff,
  };
  return kKernels;
}

}  // namespace isthmus::ppp
