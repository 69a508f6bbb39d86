// Makes, when the project is built, a table of the comments before messages and fields: reads a descriptor set with source info,
// writes C++ (api/descriptions_table.h says what). Equal texts stand once.
//   describe_protos DESCRIPTOR_SET OUT.cc
#include <google/protobuf/descriptor.pb.h>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace pb = google::protobuf;

// The lines of a comment in one.
std::string in_one_line(const std::string& comment) {
  std::string out;
  for (const char c : comment) {
    const bool space = c == ' ' || c == '\n';
    if (!space) out += c;
    else if (!out.empty() && out.back() != ' ') out += ' ';
  }
  if (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\\0\"";
}

class Table {
 public:
  void add(const pb::FileDescriptorProto& file) {
    using File = pb::FileDescriptorProto;
    using Type = pb::DescriptorProto;
    for (const pb::SourceCodeInfo::Location& at : file.source_code_info().location()) {
      const auto& path = at.path();
      const bool of_field = path.size() == 4 && path[2] == Type::kFieldFieldNumber;
      if (path.empty() || path[0] != File::kMessageTypeFieldNumber || !(path.size() == 2 || of_field)) continue;
      const std::string text = in_one_line(at.leading_comments());
      if (text.empty()) continue;
      const Type& type = file.message_type(path[1]);
      messages_[file.package() + "." + type.name()][of_field ? type.field(path[3]).number() : 0] = text;
    }
  }

  void write(std::ostream& out) {
    std::string messages, entries;
    std::size_t count = 0;
    for (const auto& [name, texts] : messages_) {
      messages += line(place_of(name), count);
      count += texts.size();
      for (const auto& [number, text] : texts) entries += line(static_cast<std::size_t>(number), place_of(text));
    }
    out << "#include \"api/descriptions_table.h\"\n\nnamespace ph::api::descriptions {\n"
        << "const Message kMessages[] = {\n"
        << messages << line(0, count) << "};\nconst std::size_t kMessageCount = " << messages_.size()
        << ";\nconst Entry kEntries[] = {\n"
        << entries << "};\nconst char kTexts[] =\n"
        << texts_ << ";\n}  // namespace ph::api::descriptions\n";
  }

 private:
  static std::string line(std::size_t first, std::size_t second) {
    return "{" + std::to_string(first) + ", " + std::to_string(second) + "},\n";
  }

  std::size_t place_of(const std::string& text) {
    const auto [at, added] = places_.try_emplace(text, size_);
    if (added) {
      texts_ += quoted(text) + "\n";
      size_ += text.size() + 1;
    }
    return at->second;
  }

  std::map<std::string, std::map<int, std::string>> messages_;
  std::map<std::string, std::size_t> places_;
  std::string texts_;
  std::size_t size_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return std::fputs("usage: describe_protos DESCRIPTOR_SET OUT\n", stderr), 2;
  std::ifstream in(argv[1], std::ios::binary);
  pb::FileDescriptorSet files;
  if (!files.ParseFromIstream(&in)) return std::fprintf(stderr, "%s is no descriptor set\n", argv[1]), 1;
  Table table;
  for (const pb::FileDescriptorProto& file : files.file()) table.add(file);
  std::ofstream out(argv[2]);
  table.write(out);
  return out.flush() ? 0 : 1;
}
