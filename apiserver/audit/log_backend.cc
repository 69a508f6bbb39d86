#include "apiserver/audit/backend.h"

namespace ph::apiserver::audit {
namespace {

class LogBackend final : public Backend {
 public:
  LogBackend(std::shared_ptr<Lines> lines, LogOptions options, Log log)
      : lines_(std::move(lines)), options_(options), log_(std::move(log)) {}

  bool take(const EventRef& event) override {
    try {
      std::string line = options_.legacy ? words_of(*event) : bounded_json(*event, true, options_.truncation);
      if (line.empty()) {
        log_.warning("an event is too large to be audited", "auditID", event->id);
        options_.errors.add();
        return true;
      }
      line.push_back('\n');
      lines_->write(line);
      return true;
    } catch (const std::exception& error) {
      log_.error("an event could not be written to the audit log", "auditID", event->id, "err", error.what());
      options_.errors.add();
      return !options_.strict;
    }
  }

 private:
  const std::shared_ptr<Lines> lines_;
  const LogOptions options_;
  const Log log_;
};

}  // namespace

std::string bounded_json(const Event& event, bool with_kind, const Truncation& truncation) {
  std::string text = json_of(event, with_kind);
  if (!truncation.enabled || text.size() <= truncation.event_bytes) return text;
  text = json_of(event, with_kind, false);
  if (text.size() > truncation.event_bytes) text.clear();
  return text;
}

std::unique_ptr<Backend> log_backend(std::shared_ptr<Lines> lines, LogOptions options, Log log) {
  return std::make_unique<LogBackend>(std::move(lines), options, std::move(log));
}

}  // namespace ph::apiserver::audit
