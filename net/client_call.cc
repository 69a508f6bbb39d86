#include "net/client_call.h"

namespace ph::net {

void ClientCall::head(int status, Headers headers) {
  const std::lock_guard lock(mutex_);
  head_.emplace();
  head_->status = status;
  head_->headers = std::move(headers);
  has_head_ = true;
  wake();
}

void ClientCall::trailers(Headers fields) {
  const std::lock_guard lock(mutex_);
  if (!head_) return;  // it has been taken
  for (const auto& [name, value] : fields) head_->headers.add(name, value);
}

void ClientCall::publish() {
  if (!stream || arrived_.empty()) return;
  const std::lock_guard lock(mutex_);
  if (data_.empty()) {
    data_.swap(arrived_);
  } else {
    data_ += arrived_;
  }
  arrived_.clear();
  wake();
}

void ClientCall::end() {
  const std::lock_guard lock(mutex_);
  data_ += arrived_;
  arrived_.clear();
  ended_ = true;
  wake();
}

void ClientCall::fail(std::string why) {
  publish();
  const std::lock_guard lock(mutex_);
  if (ended_ || error_) return;
  error_ = std::move(why);
  wake();
}

void ClientCall::fail_of_size(std::string why) {
  {
    const std::lock_guard lock(mutex_);
    too_large_ = true;
  }
  fail(std::move(why));
}

HttpResponse ClientCall::take_head() {
  const std::lock_guard lock(mutex_);
  if (!head_) throw_if_failed();
  PH_ASSERT(head_);
  if (!stream) throw_if_failed();
  return std::move(*head_);
}

std::string ClientCall::take_data() {
  const std::lock_guard lock(mutex_);
  if (data_.empty()) throw_if_failed();
  return std::exchange(data_, {});
}

bool ClientCall::ended() {
  const std::lock_guard lock(mutex_);
  return ended_;
}

bool ClientCall::abandon() {
  const std::lock_guard lock(mutex_);
  abandoned_ = true;
  waiting_.reset();
  return !ended_ && !error_;
}

bool ClientCall::Awaiter::await_suspend(std::coroutine_handle<> handle) {
  const std::lock_guard lock(call->mutex_);
  if (call->ready(until)) return false;
  call->until_ = until;
  call->waiting_ = parking.park(handle);
  return true;
}

bool ClientCall::ready(Until until) const {
  if (ended_ || error_) return true;
  return (until == Until::Head && has_head_) || (until == Until::Data && !data_.empty());
}

// Under the lock, so that after `abandon` nothing is posted.
void ClientCall::wake() {
  if (abandoned_ || !waiting_ || !ready(until_)) return;
  detail::resume_later(std::exchange(waiting_, nullptr));
}

void ClientCall::throw_if_failed() const {
  if (error_ && too_large_) throw ResponseTooLarge(*error_);
  if (error_) throw TransportError(*error_);
}

}  // namespace ph::net
