#include "pilothouse/why_page.h"

#include <memory>

#include "api/errors.h"
#include "base/sync.h"
#include "scheduler/why/json.h"
#include "scheduler/why/question.h"

namespace ph::pilothouse {
namespace {

using scheduler::why::Question;

// An answer that is given whatever happens: whoever drops it has gone before there was one.
class Answer {
 public:
  explicit Answer(Completion<std::string> to) : to_(std::move(to)) {}
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;
  ~Answer() {
    if (!given_) fail(std::make_exception_ptr(api::unavailable("the scheduler has stopped")));
  }
  void set(std::string text) {
    given_ = true;
    to_.set(std::move(text));
  }
  void fail(std::exception_ptr error) {
    given_ = true;
    to_.fail(std::move(error));
  }

 private:
  Completion<std::string> to_;
  bool given_ = false;
};

Task<void> explain(scheduler::Scheduler& scheduler, Question question, std::unique_ptr<Answer> answer) {
  try {
    answer->set(scheduler::why::to_json(co_await scheduler.explain(std::move(question))));
  } catch (...) {
    answer->fail(std::current_exception());
  }
}

}  // namespace

void WhyDoor::attach(Executor* executor, SchedulerComponent* component) {
  const std::lock_guard lock(mutex_);
  executor_ = executor;
  component_ = component;
}

Task<HttpResponse> WhyDoor::ask(const HttpRequest& request) const {
  auto question = std::make_shared<Question>(scheduler::why::question_of(request.query(), request.body));
  Completion<std::string> text;
  {
    // Posted under the lock: the component is destroyed on its executor after all that was posted before the door was shut.
    const std::lock_guard lock(mutex_);
    if (!executor_) throw api::unavailable("there is no scheduler in this process yet");
    executor_->post([component = component_, question, text] {
      auto answer = std::make_unique<Answer>(text);
      if (!component->scheduler) {
        answer->fail(std::make_exception_ptr(
            api::unavailable("this scheduler stands by: ask the one that holds the lease kube-scheduler in kube-system")));
        return;
      }
      // It ends with the scheduler.
      component->scope->spawn(explain(*component->scheduler, std::move(*question), std::move(answer)));
    });
  }
  co_return daemon::text_response(200, "application/json", co_await text.get());
}

daemon::Page why_page(const WhyDoor& door) {
  return {.path = "/debug/why", .answer = [&door](const HttpRequest& request) { return door.ask(request); }, .posts = true};
}

}  // namespace ph::pilothouse
