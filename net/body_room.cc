#include "net/body_room.h"

namespace ph::net {

struct BodyRoom::Held {
  std::shared_ptr<BodyRoom> of;
  std::string user;
  std::size_t size;
  Held(std::shared_ptr<BodyRoom> of, std::string user, std::size_t size) : of(std::move(of)), user(std::move(user)), size(size) {}
  Held(const Held&) = delete;
  ~Held() { of->give_back(user, size); }
};

std::shared_ptr<void> BodyRoom::ask(const std::string& user, std::size_t size, Ready ready) {
  auto wait = std::make_shared<Wait>(Wait{user, size, std::move(ready)});
  std::unique_lock lock(mutex_);
  // Places that were left are seen only here and by `serve`.
  std::erase_if(queue_, [this](const Queued& queued) {
    if (!queued.wait.expired()) return false;
    --users_[queued.user].waiting;
    forget_if_idle(queued.user);
    return true;
  });
  User& of = users_[user];
  if (of.waiting >= limits_.waiting_max_of_user || queue_.size() >= limits_.waiting_max) {
    forget_if_idle(user);
    return nullptr;
  }
  ++of.waiting;
  queue_.push_back({user, wait});
  serve(std::move(lock));
  return wait;
}

void BodyRoom::give_back(const std::string& user, std::size_t size) {
  std::unique_lock lock(mutex_);
  held_ -= size;
  users_[user].held -= size;
  forget_if_idle(user);
  serve(std::move(lock));
}

// In turn, but past those whose own share is used up; whoever waits for the others' room is waited for.
void BodyRoom::serve(std::unique_lock<std::mutex> lock) {
  std::vector<std::pair<std::shared_ptr<Wait>, Room>> served;
  for (auto at = queue_.begin(); at != queue_.end();) {
    User& user = users_[at->user];
    auto wait = at->wait.lock();
    if (wait) {
      if (user.held > 0 && user.held + wait->size > limits_.bytes_max_of_user) {
        ++at;
        continue;
      }
      if (held_ > 0 && held_ + wait->size > limits_.bytes_max) break;
      held_ += wait->size;
      user.held += wait->size;
    }
    --user.waiting;
    if (wait) {
      served.emplace_back(wait, std::make_shared<Held>(shared_from_this(), wait->user, wait->size));
    } else {
      forget_if_idle(at->user);
    }
    at = queue_.erase(at);
  }
  lock.unlock();
  for (auto& [wait, room] : served) wait->ready(std::move(room));
}

void BodyRoom::forget_if_idle(const std::string& user) {
  const auto found = users_.find(user);
  if (found != users_.end() && found->second.held == 0 && found->second.waiting == 0) users_.erase(found);
}

std::size_t BodyRoom::held() const {
  const std::lock_guard lock(mutex_);
  return held_;
}

}  // namespace ph::net
