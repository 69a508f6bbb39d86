// Converter: the versions of a custom kind that only somebody outside can make of one another (a conversion webhook); and what he has made
// of stored objects, which all readers share.
#pragma once

#include <cstddef>
#include <deque>
#include <exception>
#include <memory>
#include <unordered_map>
#include <vector>

#include "api/object.h"
#include "apiserver/cache/cache.h"
#include "base/sync.h"
#include "base/task.h"

namespace ph::apiserver {

class Converter {
 public:
  virtual ~Converter() = default;

  // What an entry holds, in the version it was stored in. Throws ApiError when the definition has no such version. Threads: any.
  virtual api::Object decode(const Entry& entry) const = 0;
  // The objects as another version has them, in their order; all are asked about at once, and nobody is where there is none to ask about.
  // Throws ApiError: what is wrong with the webhook, or with its answer. The converter outlives the task; `to` is of one of its versions.
  virtual Task<std::vector<api::Object>> convert(std::vector<api::Object> objects, const api::Schema& to) = 0;
};

// Stored entries as one version shows them, as long as they are stored, or until others need the room. Belongs to the server's executor.
class ShownEntries {
 public:
  // Somebody asks about an entry at this moment. Ends with an error, or when the answer is here, or when nobody asks any more.
  struct Question {
    Event ended;
    std::exception_ptr error;
  };

  // Null when it is not known.
  EntryRef find(const EntryRef& entry) const;
  void put(const EntryRef& entry, EntryRef shown);

  // Null when nobody asks.
  std::shared_ptr<Question> asked(const EntryRef& entry) const;
  void ask(const std::vector<EntryRef>& entries, const std::shared_ptr<Question>& question);
  void answered(const std::vector<EntryRef>& entries, Question& question, std::exception_ptr error);

 private:
  static constexpr std::size_t kBytesMax = 16 << 20;
  // Weak: an address means the entry only as long as that lives.
  struct Known {
    std::weak_ptr<const Entry> entry;
    EntryRef shown;
  };
  std::unordered_map<const Entry*, Known> known_;
  std::deque<const Entry*> order_;
  std::size_t bytes_ = 0;
  std::unordered_map<const Entry*, std::shared_ptr<Question>> questions_;
};

}  // namespace ph::apiserver
