#include "esp/sa_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace isthmus::esp {

SaTable::SaTable(std::size_t capacity) : capacity_(capacity) {}

Result<void> SaTable::add(LiveInbound live) {
  const Spi spi = live.sa.spi();
  if (find(spi) != nullptr)
    return fail(Error::Code::kExists,
                fmt::format("install inbound SA {:08x}: its SPI is in use", std::to_underlying(spi)));
  if (spis_.size() >= capacity_)
    return fail(Error::Code::kRefused, fmt::format("install inbound SA {:08x}: {} are alive already",
                                                   std::to_underlying(spi), capacity_));
  live_.push_back(std::make_unique<LiveInbound>(std::move(live)));
  spis_.push_back(spi);
  return {};
}

void SaTable::retire(Generation generation) {
  std::erase_if(live_, [generation](const auto& live) { return live->generation == generation; });
  spis_.clear();
  for (const auto& live : live_) spis_.push_back(live->sa.spi());
}

}  // namespace isthmus::esp
