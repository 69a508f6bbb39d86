// batch/v1 Job: its status.
#include <fmt/format.h>

#include "api/validation/validation.h"

namespace ph::api {

using namespace batch::v1;

static bool has_condition(const Job& job, std::string_view type) {
  return std::ranges::any_of(job.status().conditions(),
                             [&](const JobCondition& c) { return c.type() == type && c.status() == "True"; });
}

void validate_status(const Job& now, const Job& old, Errors& errors) {
  const JobStatus& status = now.status();
  const Path path("status");
  check_nonnegative(status.active(), path.member("active"), errors);
  check_nonnegative(status.succeeded(), path.member("succeeded"), errors);
  check_nonnegative(status.failed(), path.member("failed"), errors);
  check_nonnegative(status.ready(), path.member("ready"), errors);
  check_nonnegative(status.terminating(), path.member("terminating"), errors);
  const Path conditions = path.member("conditions");
  if (has_condition(now, "Complete") && has_condition(now, "Failed")) {
    errors.invalid(conditions, "", "cannot set Complete=True and Failed=true conditions");
  }
  for (const char* type : {"Complete", "Failed"}) {
    if (has_condition(old, type) && !has_condition(now, type)) {
      errors.invalid(conditions, "", fmt::format("cannot disable the terminal {}=True condition", type));
    }
  }
  if (status.has_completion_time() && !has_condition(now, "Complete")) {
    errors.invalid(path.member("completionTime"), "", "cannot set completionTime when there is no Complete=True condition");
  }
  if (old.status().succeeded() > status.succeeded() && now.spec().completion_mode() != "Indexed") {
    errors.invalid(path.member("succeeded"), status.succeeded(), "cannot decrease the succeeded counter");
  }
  if (old.status().failed() > status.failed() && !has_condition(now, "Complete") && !has_condition(now, "Failed")) {
    errors.invalid(path.member("failed"), status.failed(), "cannot decrease the failed counter");
  }
}

}  // namespace ph::api
