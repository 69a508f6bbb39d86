#include "apiserver/rest/converter.h"

#include <utility>

namespace ph::apiserver {

EntryRef ShownEntries::find(const EntryRef& entry) const {
  const auto found = known_.find(entry.get());
  return found != known_.end() && found->second.entry.lock() == entry ? found->second.shown : nullptr;
}

void ShownEntries::put(const EntryRef& entry, EntryRef shown) {
  const auto [found, is_new] = known_.try_emplace(entry.get());
  if (is_new) {
    order_.push_back(entry.get());
  } else {
    bytes_ -= found->second.shown->protobuf->size();
  }
  bytes_ += shown->protobuf->size();
  found->second = {entry, std::move(shown)};
  while (bytes_ > kBytesMax && order_.size() > 1) {
    const auto oldest = known_.find(order_.front());
    bytes_ -= oldest->second.shown->protobuf->size();
    known_.erase(oldest);
    order_.pop_front();
  }
}

std::shared_ptr<ShownEntries::Question> ShownEntries::asked(const EntryRef& entry) const {
  const auto found = questions_.find(entry.get());
  return found == questions_.end() ? nullptr : found->second;
}

void ShownEntries::ask(const std::vector<EntryRef>& entries, const std::shared_ptr<Question>& question) {
  for (const EntryRef& entry : entries) questions_.insert_or_assign(entry.get(), question);
}

void ShownEntries::answered(const std::vector<EntryRef>& entries, Question& question, std::exception_ptr error) {
  for (const EntryRef& entry : entries) {
    const auto found = questions_.find(entry.get());
    if (found != questions_.end() && found->second.get() == &question) questions_.erase(found);
  }
  question.error = std::move(error);
  question.ended.set();
}

}  // namespace ph::apiserver
