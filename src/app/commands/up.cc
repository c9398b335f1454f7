#include <fmt/format.h>
#include <fmt/ranges.h>

#include <asio/io_context.hpp>
#include <optional>

#include "app/commands/commands.h"
#include "app/monitor.h"
#include "io/boot_clock.h"
#include "io/daemonize.h"

namespace isthmus::app {
namespace {

using config::ExitCode;

std::string prefixes_text(const std::vector<Prefix>& prefixes) {
  std::vector<std::string> texts;
  for (const Prefix& prefix : prefixes) texts.push_back(prefix.to_string());
  return texts.empty() ? "this machine" : fmt::format("{}", fmt::join(texts, ", "));
}

// "193.6.37.0" without a length is a host, and hardly meant.
bool looks_like_network(const Prefix& prefix) {
  return prefix.is_host() && prefix.address().is_v4() && prefix.address().octets().back() == 0;
}

OwnerSetup setup_for(const config::UpOptions& options, bool plan_only) {
  OwnerSetup setup{.session = options.name,
                   .site = Site{config::policy_from_options(options), std::nullopt},
                   .dial = options,
                   .plan_only = plan_only,
                   .hold = options.hold,
                   .verbosity = options.verbosity,
                   .progress = Progress{io::boot_now()},
                   .when_proven = nullptr};
  setup.progress->line(fmt::format("{} {} with {} behind {}", plan_only ? "planning to join" : "joining",
                                   prefixes_text(options.offers), prefixes_text(options.accepts),
                                   options.destination.to_string()));
  for (const auto* prefixes : {&options.offers, &options.accepts}) {
    for (const Prefix& prefix : *prefixes) {
      if (looks_like_network(prefix))
        setup.progress->detail(
            fmt::format("! {} is one address; a network has its length behind it, as in {}/24",
                        prefix.to_string(), prefix.address().to_string()));
    }
  }
  return setup;
}

ExitCode own(const OwnerSetup& setup) {
  const std::string& name = setup.session;
  asio::io_context loop;
  Result<std::unique_ptr<Monitor>> owner = open_session(loop, setup);
  if (!owner && owner.error().code == Error::Code::kExists) {
    complain(
        fmt::format("session {} is up already ({})\nsee `isthmus status {}`; end it with `isthmus down {}`",
                    name, owner.error().message, name, name));
    return ExitCode::kAlreadyUp;
  }
  if (!owner) {
    complain(owner.error().message);
    return ExitCode::kFailed;
  }
  return (*owner)->run();
}

// What sessions that died left behind is undone before a new one begins.
void clean_first() {
  const Result<io::RuntimeDir> dir = io::RuntimeDir::open();
  if (!dir) return;
  const io::HostApplier::CleanupReport report = io::HostApplier::cleanup(*dir);
  for (const std::string& line : report.lines) complain("cleaned up: " + line);
  for (const Error& failure : report.failures) complain("could not be cleaned up: " + failure.message);
}

}  // namespace

ExitCode run_plan(const config::UpOptions& options) {
  if (!may_change_machine()) return ExitCode::kNotRoot;
  config::UpOptions quiet = options;
  quiet.name = fmt::format("plan-{}", getpid());
  return own(setup_for(quiet, true));
}

ExitCode run_up(const config::UpOptions& options) {
  if (!may_change_machine()) return ExitCode::kNotRoot;
  clean_first();
  if (!options.detach) return own(setup_for(options, false));

  auto forked = io::detach_session();
  if (!forked) {
    complain(forked.error().message);
    return ExitCode::kFailed;
  }
  if (const auto* verdict = std::get_if<io::ParentVerdict>(&*forked))
    return static_cast<ExitCode>(verdict->exit_code);
  auto detached = std::make_shared<io::DetachedSession>(std::move(std::get<io::DetachedSession>(*forked)));
  OwnerSetup setup = setup_for(options, false);
  setup.when_proven = [detached](ExitCode code) {
    const Result<void> proven = detached->proven(static_cast<std::uint8_t>(code));
    if (!proven) complain(proven.error().message);
  };
  return own(setup);
}

}  // namespace isthmus::app
