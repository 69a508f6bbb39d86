#include "apiserver/storage/encryption/reload.h"

#include <stdexcept>

#include "base/sync.h"

namespace ph::apiserver::encryption {
namespace {

// What is wrong.
Task<std::optional<std::string>> take(const Reload& reload, const std::string& text) {
  Configuration next;
  try {
    next = read_configuration(text);
  } catch (const std::invalid_argument& error) {
    co_return error.what();
  }
  co_return co_await reload.use(std::move(next));
}

}  // namespace

Task<void> follow_configuration(Reload reload, Log log) {
  std::string in_force = reload.text, said;
  for (;;) {
    co_await sleep_for(reload.every);
    std::optional<std::string> text = co_await reload.read();
    // A plugin that was not well may be by now: a good file is tried again.
    if (!text || *text == in_force) continue;
    const auto problem = co_await take(reload, *text);
    if (!problem) {
      in_force = std::move(*text);
      said.clear();
      log.info("reloaded the encryption configuration");
    } else if (*problem != said) {
      said = *problem;
      log.error("failed to reload the encryption configuration: the last good one stays in force", "err", *problem);
    } else {
      continue;
    }
    if (reload.told) reload.told(!problem);
  }
}

}  // namespace ph::apiserver::encryption
