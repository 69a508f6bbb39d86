// Schemas of the built-in kinds, made from their descriptors and our options, once, when first asked for.
#include "api/schema.h"

#include <algorithm>
#include <climits>
#include <deque>
#include <map>
#include <unordered_map>

#include <fmt/format.h>

#include "api/kinds.h"
#include "api/versions.h"
#include "api/wire.h"
#include "base/assert.h"
#include "kind_files.h"

namespace ph::api {

namespace pb = google::protobuf;

bool Resource::has_verb(std::string_view verb) const { return std::ranges::find(verbs, verb) != verbs.end(); }

const Subresource* Resource::subresource(std::string_view name) const {
  const auto found = std::ranges::find(subresources, name, &Subresource::name);
  return found == subresources.end() ? nullptr : &*found;
}

const Field* Schema::field(std::string_view json_name) const {
  const auto found = std::ranges::lower_bound(by_name_, json_name, {}, &std::pair<std::string_view, unsigned short>::first);
  return found != by_name_.end() && found->first == json_name ? &fields[found->second] : nullptr;
}

void Schema::index_names() {
  by_name_.clear();
  for (std::size_t i = 0; i < fields.size(); ++i) by_name_.emplace_back(fields[i].name, static_cast<unsigned short>(i));
  std::ranges::sort(by_name_);
}

struct Scheme::Impl {
  std::deque<Schema> schemas;
  std::deque<wire::Plan> plans;
  std::unordered_map<const pb::Descriptor*, const Schema*> by_descriptor;
  std::map<GroupVersionKind, const Schema*> by_kind;
  std::vector<Resource> resources;
  std::vector<std::reference_wrapper<const Resource>> order;
  std::map<std::tuple<std::string, std::string, std::string>, const Resource*, std::less<>> by_plural;
  std::unordered_map<const Schema*, const Resource*> resource_of;
  std::map<std::string, int, std::less<>> group_ranks;
};

// How discovery orders resources: by group, the newest version first (clients prefer it), and plural. Groups that are not built in
// come last, by name.
class Scheme::DiscoveryOrder {
 public:
  explicit DiscoveryOrder(const Impl& impl) : ranks_(impl.group_ranks) {}

  bool operator()(const Resource& a, const Resource& b) const {
    const std::string &left = a.kind.group, &right = b.kind.group;
    if (left != right) return std::tuple(rank(left), std::string_view(left)) < std::tuple(rank(right), std::string_view(right));
    if (a.kind.version != b.kind.version) return is_newer_version(a.kind.version, b.kind.version);
    return a.plural < b.plural;
  }

 private:
  int rank(std::string_view group) const {
    const auto found = ranks_.find(group);
    return found == ranks_.end() ? INT_MAX : found->second;
  }

  const std::map<std::string, int, std::less<>>& ranks_;
};

// Sorted vectors: a thousand kinds are copied, one by one as they come, for little.
struct Scheme::Added {
  using Place = std::tuple<std::string_view, std::string_view, std::string_view>;  // group, version, plural
  static Place place_of(const ResourceRef& resource) { return {resource->kind.group, resource->kind.version, resource->plural}; }
  static const GroupVersionKind& kind_of(const Resource* resource) { return resource->kind; }
  static const Schema* schema_of(const Resource* resource) { return resource->schema; }

  std::vector<ResourceRef> by_place;  // keeps them
  std::vector<const Resource*> by_kind, by_schema;
  std::vector<std::reference_wrapper<const Resource>> order;  // discovery's, the built-in ones among them

  const Resource* find(const Place& place) const { return found(by_place, place, &place_of); }
  const Resource* find(const GroupVersionKind& kind) const { return found(by_kind, kind, &kind_of); }
  const Resource* find(const Schema* schema) const { return found(by_schema, schema, &schema_of); }
  void add(std::vector<ResourceRef> resources, const DiscoveryOrder& before);
  void remove(std::string_view group, std::string_view plural);

 private:
  template <class T, class Key, class KeyOf>
  static const Resource* found(const std::vector<T>& all, const Key& key, KeyOf key_of) {
    const auto at = std::ranges::lower_bound(all, key, {}, key_of);
    return at != all.end() && key_of(*at) == key ? &**at : nullptr;
  }
  template <class T, class Before, class KeyOf>
  static void merge(std::vector<T>& all, std::vector<T> more, Before before, KeyOf key_of) {
    std::ranges::sort(more, before, key_of);
    std::vector<T> merged;
    merged.reserve(all.size() + more.size());
    const auto moved = [](std::vector<T>& of) { return std::pair(std::move_iterator(of.begin()), std::move_iterator(of.end())); };
    const auto [first, last] = moved(all);
    const auto [first_more, last_more] = moved(more);
    std::merge(first, last, first_more, last_more, std::back_inserter(merged),
               [&](const T& a, const T& b) { return before(key_of(a), key_of(b)); });
    all = std::move(merged);
  }
};

namespace {

// Every file of kinds. Whose descriptors are asked for is linked (api/proto/CMakeLists.txt).
std::vector<const pb::FileDescriptor*> kind_files() {
  std::vector<const pb::FileDescriptor*> out;
  for (const char* name : kKindFiles) {
    out.push_back(pb::DescriptorPool::generated_pool()->FindFileByName(name));
    PH_ASSERT(out.back());
  }
  return out;
}

// ph.core.v1.Pod → io.k8s.api.core.v1.Pod
std::string full_name_of(const pb::Descriptor* descriptor) {
  if (const auto& options = descriptor->options(); options.HasExtension(ph::open_api_name)) {
    return options.GetExtension(ph::open_api_name);
  }
  const auto& options = descriptor->file()->options();
  if (options.HasExtension(ph::open_api_package)) {
    return fmt::format("{}.{}", options.GetExtension(ph::open_api_package), descriptor->name());
  }
  return "io.k8s.api." + descriptor->full_name().substr(std::string_view("ph.").size());
}

Type type_of_encoding(Encoding encoding) {
  switch (encoding) {
    case QUANTITY: return Type::Quantity;
    case INT_OR_STRING: return Type::IntOrString;
    case TIME: return Type::Time;
    case MICRO_TIME: return Type::MicroTime;
    case DURATION: return Type::Duration;
    case RAW_JSON: return Type::RawJson;
    case ITEMS: return Type::List;
    case UNION: return Type::Union;
    default: return Type::Struct;
  }
}

Type type_of_scalar(const pb::FieldDescriptor* field) {
  switch (field->type()) {
    case pb::FieldDescriptor::TYPE_BOOL: return Type::Bool;
    case pb::FieldDescriptor::TYPE_INT32: return Type::Int32;
    case pb::FieldDescriptor::TYPE_INT64: return Type::Int64;
    case pb::FieldDescriptor::TYPE_DOUBLE: return Type::Double;
    case pb::FieldDescriptor::TYPE_STRING: return Type::String;
    case pb::FieldDescriptor::TYPE_BYTES: return Type::Bytes;
    default: PH_ASSERT(!"kinds use no other scalar types"); return Type::String;
  }
}

GroupVersionKind to_kind(const Kind& kind) { return {kind.group(), kind.version(), kind.kind()}; }

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto end = std::min(text.find(separator), text.size());
    out.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

template <class Strings>
std::vector<std::string> to_vector(const Strings& strings) {
  return {strings.begin(), strings.end()};
}

}  // namespace

class SchemaBuilder {
 public:
  std::shared_ptr<const Scheme::Impl> build() {
    impl_ = std::make_shared<Scheme::Impl>();
    const auto files = kind_files();
    for (const pb::FileDescriptor* file : files) {
      for (int m = 0; m < file->message_type_count(); ++m) message(file->message_type(m));
    }
    for (const auto& [field, atomic] : overridden_) override_atomic(*field, atomic);
    for (const pb::FileDescriptor* file : files) {
      for (int m = 0; m < file->message_type_count(); ++m) add_resource(file->message_type(m));
    }
    index_resources();
    return impl_;
  }

 private:
  Schema& add(Type type) {
    Schema& schema = impl_->schemas.emplace_back();
    schema.type = type;
    return schema;
  }

  const Schema* scalar(Type type) {
    const Schema*& schema = scalars_[type];
    if (!schema) schema = &add(type);
    return schema;
  }

  const Schema* message(const pb::Descriptor* descriptor) {
    const auto [at, added] = impl_->by_descriptor.try_emplace(descriptor, nullptr);
    if (!added) return at->second;
    const pb::MessageOptions& options = descriptor->options();
    Schema& schema = add(type_of_encoding(options.GetExtension(ph::encoding)));
    impl_->by_descriptor[descriptor] = &schema;
    schema.name = full_name_of(descriptor);
    schema.descriptor = descriptor;
    schema.atomic = options.GetExtension(ph::struct_type) == "atomic";
    if (options.HasExtension(ph::kind)) {
      schema.kind = to_kind(options.GetExtension(ph::kind));
      const bool is_new = impl_->by_kind.emplace(*schema.kind, &schema).second;
      PH_ASSERT(is_new);
    }
    if (schema.type == Type::List) schema.element = value(descriptor->field(0));
    if (schema.type == Type::Struct || schema.type == Type::Union) structure(schema);
    return &schema;
  }

  void structure(Schema& schema) {
    wire::Plan& plan = impl_->plans.emplace_back();
    plan.schema = &schema;
    schema.plan_ = &plan;
    level(schema, plan, schema.descriptor, {});
    PH_ASSERT(schema.fields.size() <= wire::kMembersMax);
    PH_ASSERT(plan.levels.size() < 64);
    if (schema.kind)
      plan.kind_json = fmt::format(R"("kind":"{}","apiVersion":"{}")", schema.kind->kind, schema.kind->api_version());
    plan.json_keys.reserve(schema.fields.size());
    for (const Field& field : schema.fields) plan.json_keys.push_back("\"" + field.name + "\":");
    schema.index_names();
  }

  // The members of one message of a struct; those of inline messages in their place. Returns the level's index.
  std::int16_t level(Schema& schema, wire::Plan& plan, const pb::Descriptor* descriptor,
                     const std::vector<const pb::FieldDescriptor*>& path) {
    const std::size_t index = plan.levels.size();
    plan.levels.emplace_back();
    std::vector<wire::Step> steps;
    schema.fields.reserve(schema.fields.size() + static_cast<std::size_t>(descriptor->field_count()));
    for (int i = 0; i < descriptor->field_count(); ++i) {
      const pb::FieldDescriptor* field = descriptor->field(i);
      auto down = path;
      down.push_back(field);
      wire::Step step{.number = static_cast<unsigned>(field->number())};
      if (field->options().GetExtension(ph::field).inline_()) {
        step.type = wire::kBytes;
        step.level = level(schema, plan, field->message_type(), down);
      } else {
        step.member = static_cast<std::int16_t>(schema.fields.size());
        schema.fields.push_back(member(field, std::move(down)));
        step.many = field->is_repeated();
        const Schema& type = *schema.fields.back().schema;
        step.type = wire::wire_type(step.many && type.type == Type::List ? type.element->type : type.type);
      }
      steps.push_back(step);
    }
    std::ranges::sort(steps, {}, &wire::Step::number);
    wire::Level& level = plan.levels[index];
    level.steps = std::move(steps);
    level.by_number.assign(level.steps.empty() ? 0 : level.steps.back().number + 1, -1);
    for (std::size_t i = 0; i < level.steps.size(); ++i) level.by_number[level.steps[i].number] = static_cast<std::int16_t>(i);
    return static_cast<std::int16_t>(index);
  }

  Field member(const pb::FieldDescriptor* descriptor, std::vector<const pb::FieldDescriptor*> path) {
    const FieldOptions& options = descriptor->options().GetExtension(ph::field);
    Field field;
    field.name = descriptor->json_name();
    field.pointer = descriptor->has_optional_keyword();
    field.always = options.always();
    field.omit_zero = options.omit_zero();
    field.required = options.required();
    field.deprecated = options.deprecated();
    field.patch_strategies = split(options.patch_strategy(), ',');
    field.patch_merge_key = options.patch_merge_key();
    field.default_json = options.default_();
    field.enum_values = to_vector(options.enum_value());
    field.feature_gates = to_vector(options.feature_gate());
    field.path = std::move(path);
    field.number = descriptor->number();
    field.schema = schema_of_member(descriptor, options);
    return field;
  }

  const Schema* schema_of_member(const pb::FieldDescriptor* descriptor, const FieldOptions& options) {
    if (descriptor->is_map()) {
      Schema& schema = add(Type::Map);
      schema.atomic = options.map_type() == "atomic";
      schema.element = value(descriptor->message_type()->map_value());
      return &schema;
    }
    if (!descriptor->is_repeated()) {
      const Schema* schema = value(descriptor);
      const bool atomic = options.struct_type() == "atomic";
      if (options.struct_type().empty() || schema->atomic == atomic) return schema;
      // A copy of the type that differs in this; its members are only known when all types are made.
      Schema& copy = add(schema->type);
      copy.descriptor = schema->descriptor;
      overridden_.emplace_back(&copy, atomic);
      return &copy;
    }
    Schema& schema = add(Type::List);
    schema.element = value(descriptor);
    schema.list_type = options.list_type() == "map"   ? ListType::Map
                       : options.list_type() == "set" ? ListType::Set
                                                      : ListType::Atomic;
    schema.atomic = schema.list_type == ListType::Atomic;
    schema.list_map_keys = to_vector(options.list_map_key());
    return &schema;
  }

  const Schema* value(const pb::FieldDescriptor* descriptor) {
    return descriptor->message_type() ? message(descriptor->message_type()) : scalar(type_of_scalar(descriptor));
  }

  void override_atomic(Schema& copy, bool atomic) {
    copy = *impl_->by_descriptor.at(copy.descriptor);
    copy.atomic = atomic;
    copy.index_names();
  }

  void add_resource(const pb::Descriptor* descriptor) {
    if (!descriptor->options().HasExtension(ph::resource)) return;
    const ph::Resource& options = descriptor->options().GetExtension(ph::resource);
    Resource& resource = impl_->resources.emplace_back();
    resource.schema = impl_->by_descriptor.at(descriptor);
    resource.kind = *resource.schema->kind;
    const int rank = descriptor->file()->options().GetExtension(ph::group_rank);
    PH_ASSERT(rank > 0);
    const int of_group = impl_->group_ranks.emplace(resource.kind.group, rank).first->second;
    PH_ASSERT(of_group == rank);
    resource.plural = options.plural();
    resource.singular = options.singular();
    resource.short_names = to_vector(options.short_name());
    resource.categories = to_vector(options.category());
    resource.verbs = to_vector(options.verb());
    resource.namespaced = options.namespaced();
    resource.storage_prefix = options.storage_prefix();
    resource.storage_version_hash = options.storage_version_hash();
    if (options.has_stored_as()) resource.stored_as = to_kind(options.stored_as());
    for (const ph::Subresource& sub : options.subresource()) {
      GroupVersionKind kind = resource.kind;
      if (!sub.version().empty()) kind = {sub.group(), sub.version(), {}};
      kind.kind = sub.kind();
      resource.subresources.push_back({sub.name(), std::move(kind), to_vector(sub.verb())});
    }
    for (const std::string& selector : options.field_selector()) {
      const auto arrow = selector.find("->");
      if (arrow == std::string::npos) resource.field_selectors.emplace_back(selector, selector);
      else resource.field_selectors.emplace_back(selector.substr(0, arrow), selector.substr(arrow + 2));
    }
  }

  void index_resources() {
    std::ranges::sort(impl_->resources, Scheme::DiscoveryOrder(*impl_));
    impl_->order.assign(impl_->resources.begin(), impl_->resources.end());
    for (const Resource& resource : impl_->resources) {
      impl_->by_plural.emplace(std::tuple(resource.kind.group, resource.kind.version, resource.plural), &resource);
      impl_->resource_of.emplace(resource.schema, &resource);
    }
  }

  std::shared_ptr<Scheme::Impl> impl_;
  std::map<Type, const Schema*> scalars_;
  std::vector<std::pair<Schema*, bool>> overridden_;
};

const Scheme& Scheme::builtin() {
  static const Scheme scheme = [] {
    Scheme made;
    made.impl_ = SchemaBuilder().build();
    return made;
  }();
  return scheme;
}

void Scheme::Added::remove(std::string_view group, std::string_view plural) {
  const auto gone = [&](const Resource& resource) { return resource.kind.group == group && resource.plural == plural; };
  if (std::ranges::none_of(by_place, [&](const ResourceRef& resource) { return gone(*resource); })) return;
  std::erase_if(order, [&](const Resource& resource) { return resource.owner && gone(resource); });
  for (auto* list : {&by_kind, &by_schema}) {
    std::erase_if(*list, [&](const Resource* resource) { return gone(*resource); });
  }
  std::erase_if(by_place, [&](const ResourceRef& resource) { return gone(*resource); });
}

void Scheme::Added::add(std::vector<ResourceRef> resources, const DiscoveryOrder& before) {
  std::vector<const Resource*> plain;
  for (const ResourceRef& resource : resources) plain.push_back(resource.get());
  merge(by_kind, plain, std::less<>(), &kind_of);
  merge(by_schema, plain, std::less<>(), &schema_of);
  std::vector<std::reference_wrapper<const Resource>> in_order;
  for (const Resource* resource : plain) in_order.emplace_back(*resource);
  merge(order, std::move(in_order), before, std::identity());
  merge(by_place, std::move(resources), std::less<>(), &place_of);
}

Scheme Scheme::with(std::vector<ResourceRef> resources) const {
  auto added = added_ ? std::make_shared<Added>(*added_) : std::make_shared<Added>();
  if (!added_) added->order = impl_->order;
  for (const ResourceRef& resource : resources) added->remove(resource->kind.group, resource->plural);
  for (const ResourceRef& resource : resources) {
    PH_ASSERT(resource->owner);
    PH_ASSERT(!impl_->by_plural.contains(Added::place_of(resource)));
  }
  added->add(std::move(resources), DiscoveryOrder(*impl_));
  Scheme out = *this;
  out.added_ = std::move(added);
  return out;
}

Scheme Scheme::without(std::string_view group, std::string_view plural) const {
  Scheme out = *this;
  if (!added_) return out;
  auto added = std::make_shared<Added>(*added_);
  added->remove(group, plural);
  out.added_ = std::move(added);
  return out;
}

const Schema* Scheme::find(const GroupVersionKind& kind) const {
  if (added_) {
    if (const Resource* found = added_->find(kind)) return found->schema;
  }
  if (const auto found = impl_->by_kind.find(kind); found != impl_->by_kind.end()) return found->second;
  // The options of requests are kinds of every group version.
  if (!kind.kind.ends_with("Options") || kind.version.empty()) return nullptr;
  const auto found = impl_->by_kind.find({"", "v1", kind.kind});
  const bool shared =
      found != impl_->by_kind.end() && found->second->descriptor->file() == meta::v1::ObjectMeta::descriptor()->file();
  return shared ? found->second : nullptr;
}

const Schema* Scheme::of(const pb::Descriptor* descriptor) const {
  const auto found = impl_->by_descriptor.find(descriptor);
  return found == impl_->by_descriptor.end() ? nullptr : found->second;
}

Resources Scheme::resources() const { return added_ ? added_->order : impl_->order; }

const Resource* Scheme::resource(std::string_view group, std::string_view version, std::string_view plural) const {
  if (added_) {
    if (const Resource* added = added_->find(Added::Place(group, version, plural))) return added;
  }
  const auto found = impl_->by_plural.find(std::tuple(group, version, plural));
  return found == impl_->by_plural.end() ? nullptr : found->second;
}

const Resource* Scheme::resource(const Schema& schema) const {
  if (added_) {
    if (const Resource* added = added_->find(&schema)) return added;
  }
  const auto found = impl_->resource_of.find(&schema);
  return found == impl_->resource_of.end() ? nullptr : found->second;
}

std::unique_ptr<pb::Message> Scheme::make(const Schema& schema) const {
  PH_ASSERT(schema.descriptor);
  return std::unique_ptr<pb::Message>(pb::MessageFactory::generated_factory()->GetPrototype(schema.descriptor)->New());
}

const Schema& schema_of(const pb::Message& message) {
  const Schema* schema = Scheme::builtin().of(message.GetDescriptor());
  PH_ASSERT(schema);
  return *schema;
}

}  // namespace ph::api
