// Lines of writes before keys that many of them change: a count, an allocator.
//
// Writes are optimistic, and where many change one key nearly all of them lose, again and again. So whoever has lost on a key that he
// will change again stands in its line, and has his turn when all before him have committed or given up. As long as there is a line
// nobody else changes the key: he stands in it, too.
//
// Everything here belongs to the server's executor.
#pragma once

#include <list>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "base/sync.h"

namespace ph::apiserver {

class Lines {
  struct Stand {
    Event turn;
  };
  using Line = std::list<Stand>;
  using All = std::map<std::string, Line, std::less<>>;

 public:
  // A place in a line; it is left by dropping it, waiting or not. The lines outlive it.
  class Place {
   public:
    Place(Place&& other) noexcept : lines_(std::exchange(other.lines_, nullptr)), line_(other.line_), stand_(other.stand_) {}
    Place& operator=(Place&&) = delete;
    ~Place();

    // Ends when nobody is before this one any more.
    auto turn() { return stand_->turn.wait(); }

   private:
    friend class Lines;
    Place(Lines& lines, All::iterator line);

    Lines* lines_;
    All::iterator line_;
    Line::iterator stand_;
  };

  Place join(const std::string& key) { return Place(*this, all_.try_emplace(key).first); }
  // Whether anybody stands there, be it with nobody behind.
  bool has(std::string_view key) const { return all_.contains(key); }
  bool empty() const { return all_.empty(); }

 private:
  All all_;  // those in which somebody stands
};

}  // namespace ph::apiserver
