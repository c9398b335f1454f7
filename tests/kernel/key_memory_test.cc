// Where keys lie, as the kernel sees it. Each test is a process of its own, for an arena is opened once.
#include "crypto/key_memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "crypto/secret.h"

namespace isthmus::crypto {
namespace {

// The VmFlags of /proc/self/smaps for the area in which `address` lies.
std::string flags_of(const void* address) {
  const auto place = reinterpret_cast<std::uintptr_t>(address);
  std::ifstream areas{"/proc/self/smaps"};
  bool is_here = false;
  for (std::string line; std::getline(areas, line);) {
    std::uintptr_t start = 0;
    std::uintptr_t end = 0;
    char dash = 0;
    if (std::istringstream{line} >> std::hex >> start >> dash >> end && dash == '-')
      is_here = start <= place && place < end;
    if (is_here && line.starts_with("VmFlags:")) return line + " ";
  }
  return {};
}

void in_process_of_its_own(const std::function<bool()>& holds) {
  EXPECT_EXIT(std::_Exit(holds() ? 0 : 1), ::testing::ExitedWithCode(0), "");
}

TEST(KeyMemory, IsLockedAndInNoDump) {
  in_process_of_its_own([] {
    if (!open_key_memory()) return false;
    const Secret<32> secret;
    const std::string flags = flags_of(secret.reveal().data());
    return flags.find(" lo ") != std::string::npos && flags.find(" dd ") != std::string::npos;
  });
}

TEST(KeyMemory, IsZeroWhenItIsTakenAgain) {
  in_process_of_its_own([] {
    if (!open_key_memory()) return false;
    auto* const first = static_cast<std::uint8_t*>(take_key_memory(64, 64));
    std::fill_n(first, 64, std::uint8_t{0x5a});
    give_back_key_memory(first, 64, 64);
    // What is free holds the arena's own pointers; what was in it is gone.
    const bool is_wiped = std::all_of(first + 16, first + 64, [](std::uint8_t octet) { return octet == 0; });
    const auto* const second = static_cast<std::uint8_t*>(take_key_memory(64, 64));
    return is_wiped && std::all_of(second, second + 64, [](std::uint8_t octet) { return octet == 0; });
  });
}

TEST(KeyMemory, IsAlignedAsWantedAndOrdinaryMemoryWhenItIsFull) {
  in_process_of_its_own([] {
    if (!open_key_memory()) return false;
    struct alignas(64) Schedule {
      std::array<std::uint8_t, 1500> octets;
    };
    std::vector<InKeyMemory<Schedule>> taken;
    for (std::size_t i = 0; i < 2 * kKeyMemorySize / sizeof(Schedule); ++i) {
      taken.push_back(make_in_key_memory<Schedule>());
      if (reinterpret_cast<std::uintptr_t>(taken.back().get()) % alignof(Schedule) != 0) return false;
    }
    return flags_of(taken.front().get()).find(" lo ") != std::string::npos &&
           flags_of(taken.back().get()).find(" lo ") == std::string::npos;
  });
}

}  // namespace
}  // namespace isthmus::crypto
