// Reads Prometheus' text format 0.0.4, as strictly as it is written.
#pragma once

#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace ph::testing {

struct Sample {
  std::string name;  // with _bucket, _sum, _count
  std::map<std::string, std::string> labels;
  double value = 0;
};

struct ShownFamily {
  std::string name, help, type;
  std::vector<Sample> samples;

  // Without le.
  std::set<std::string> labels() const {
    std::set<std::string> out;
    for (const Sample& sample : samples) {
      for (const auto& [name, value] : sample.labels) out.insert(name);
    }
    if (type == "histogram") out.erase("le");
    return out;
  }
  // The bounds of a histogram, without +Inf.
  std::set<double> bounds() const {
    std::set<double> out;
    for (const Sample& sample : samples) {
      const auto le = sample.labels.find("le");
      if (type == "histogram" && le != sample.labels.end() && le->second != "+Inf") out.insert(std::stod(le->second));
    }
    return out;
  }
  // The sum of all samples of that name whose labels are (at least) these.
  double sum(const std::map<std::string, std::string>& labels = {}, const std::string& suffix = {}) const {
    double out = 0;
    for (const Sample& sample : samples) {
      if (sample.name != name + suffix) continue;
      bool all = true;
      for (const auto& [label, value] : labels) {
        const auto found = sample.labels.find(label);
        all = all && found != sample.labels.end() && found->second == value;
      }
      if (all) out += sample.value;
    }
    return out;
  }
};

using Exposition = std::map<std::string, ShownFamily>;

class ExpositionReader {
 public:
  // Throws std::runtime_error for what is not the format.
  static Exposition read(const std::string& text) {
    Exposition out;
    ShownFamily* family = nullptr;
    for (std::size_t at = 0; at < text.size();) {
      const auto end = text.find('\n', at);
      if (end == text.npos) throw std::runtime_error("the last line has no end");
      ExpositionReader line(text.substr(at, end - at));
      at = end + 1;
      if (line.take("# HELP ")) {
        const std::string name = line.until(' ');
        if (out.contains(name)) throw std::runtime_error(name + " is there twice");
        family = &out[name];
        family->name = name;
        family->help = line.rest();
      } else if (line.take("# TYPE ")) {
        const std::string name = line.until(' ');
        if (!family || family->name != name) throw std::runtime_error("TYPE without HELP: " + name);
        family->type = line.rest();
      } else {
        Sample sample = line.sample();
        const std::string suffix = family ? sample.name.substr(std::min(family->name.size(), sample.name.size())) : "";
        const bool ours =
            family && sample.name.starts_with(family->name) &&
            (family->type == "histogram" ? suffix == "_bucket" || suffix == "_sum" || suffix == "_count" : suffix.empty());
        if (!ours) throw std::runtime_error("a sample of no family: " + sample.name);
        family->samples.push_back(std::move(sample));
      }
    }
    return out;
  }

 private:
  explicit ExpositionReader(std::string line) : line_(std::move(line)) {}

  bool take(std::string_view word) {
    if (!std::string_view(line_).substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  std::string until(char end) {
    const auto found = line_.find(end, at_);
    if (found == line_.npos) throw std::runtime_error("cut off: " + line_);
    std::string out = line_.substr(at_, found - at_);
    at_ = found + 1;
    return out;
  }
  std::string rest() const { return line_.substr(at_); }

  Sample sample() {
    Sample out;
    const auto name_end = line_.find_first_of("{ ");
    if (name_end == line_.npos) throw std::runtime_error("not a sample: " + line_);
    out.name = line_.substr(0, name_end);
    at_ = name_end;
    if (take("{")) {
      do {
        std::string name = until('=');
        if (!take("\"")) throw std::runtime_error("a label without quotes: " + line_);
        if (!out.labels.emplace(std::move(name), quoted()).second) throw std::runtime_error("a label twice: " + line_);
      } while (take(","));
      if (!take("}")) throw std::runtime_error("labels without an end: " + line_);
    }
    if (!take(" ")) throw std::runtime_error("no value: " + line_);
    std::size_t read = 0;
    out.value = std::stod(rest(), &read);
    if (read != rest().size()) throw std::runtime_error("not a number: " + line_);
    return out;
  }
  std::string quoted() {
    std::string out;
    for (; at_ < line_.size() && line_[at_] != '"'; ++at_) {
      if (line_[at_] != '\\') {
        out += line_[at_];
        continue;
      }
      const char escaped = line_.at(++at_);
      out += escaped == 'n' ? '\n' : escaped;
    }
    if (at_ == line_.size()) throw std::runtime_error("a label without an end: " + line_);
    ++at_;
    return out;
  }

  const std::string line_;
  std::size_t at_ = 0;
};

inline Exposition read_exposition(const std::string& text) { return ExpositionReader::read(text); }

}  // namespace ph::testing
