// The processes of a session: the monitor, which is this one, its launcher and its engine.
#include <asio/io_context.hpp>

#include "app/commands/commands.h"
#include "app/engine.h"
#include "app/monitor.h"

namespace isthmus::app {

Result<std::unique_ptr<Monitor>> open_session(asio::io_context& loop, const OwnerSetup& setup) {
  const auto engine_main = [setup](io::EngineChannels channels) {
    asio::io_context own_loop;
    Result<std::unique_ptr<Engine>> engine = Engine::open(own_loop, setup, std::move(channels));
    if (engine) return static_cast<int>((*engine)->run());
    if (engine.error().code != Error::Code::kClosed) complain(engine.error().message);
    return static_cast<int>(config::ExitCode::kFailed);
  };
  return Monitor::open(loop, TRY(io::RuntimeDir::open()), setup, engine_main, Monitor::Rights::kFew);
}

}  // namespace isthmus::app
