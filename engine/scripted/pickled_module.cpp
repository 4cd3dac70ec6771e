// SPDX-License-Identifier: GPL-3.0-or-later
// The opcodes are those of Python's pickletools that TorchScript's writer uses, protocol 2.
#include "engine/scripted/pickled_module.h"

#include "engine/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <deque>
#include <map>
#include <utility>

namespace engine::scripted {
namespace {

constexpr std::size_t kMostValues = 1 << 20;

enum class Kind { scalar, global, object, sequence, map, other, mark };

struct Value {
  Kind kind = Kind::other;
  ParamValue scalar;
  std::string name;  ///< global, object: the class
  /// sequence: the items; map: key, value, key, value; object: its state
  std::vector<const Value*> items;
};

using Items = std::vector<const Value*>;

class PickleMachine {
 public:
  PickleMachine(std::string_view bytes, const std::string& file) : bytes_(bytes), file_(file) {}

  const Value* run() {
    while (true) {
      const auto opcode = static_cast<unsigned char>(take(1)[0]);
      if (opcode == '.') return pop();
      step(opcode);
    }
  }

  [[noreturn]] void refuse(const std::string& what) const {
    fail("bad-paradigm", {.file = file_},
         fmt::format("its attributes (data.pkl) cannot be read: {}", what),
         "Write it with torch.jit.save of LibTorch 2.x");
  }

 private:
  void step(unsigned char opcode) {
    switch (opcode) {
      case 0x80:  // PROTO
        take(1);
        break;
      case '(':  // MARK
        push(Kind::mark);
        break;
      case 'N':  // NONE
        push_scalar(unset);
        break;
      case 0x88:  // NEWTRUE
      case 0x89:  // NEWFALSE
        push_scalar(opcode == 0x88);
        break;
      case 'K':  // BININT1
        push_scalar(whole(1));
        break;
      case 'M':  // BININT2
        push_scalar(whole(2));
        break;
      case 'J':  // BININT
        push_scalar(static_cast<std::int64_t>(static_cast<std::int32_t>(whole(4))));
        break;
      case 0x8a:  // LONG1
        push_long(static_cast<std::size_t>(whole(1)));
        break;
      case 'G':  // BINFLOAT
        push_real();
        break;
      case 'X':  // BINUNICODE
        push_scalar(std::string(take(static_cast<std::size_t>(whole(4)))));
        break;
      case 'c':  // GLOBAL
        push_global();
        break;
      case ')':  // EMPTY_TUPLE
      case ']':  // EMPTY_LIST
        push(Kind::sequence);
        break;
      case '}':  // EMPTY_DICT
        push(Kind::map);
        break;
      case 't':  // TUPLE
        push_with(Kind::sequence, pop_to_mark());
        break;
      case 0x85:  // TUPLE1
      case 0x86:  // TUPLE2
      case 0x87:  // TUPLE3
        push_tuple(opcode - 0x84);
        break;
      case 'a':  // APPEND
        add_to_top({pop()}, Kind::sequence);
        break;
      case 'e':  // APPENDS
        add_to_top(pop_to_mark(), Kind::sequence);
        break;
      case 's':  // SETITEM
        set_item();
        break;
      case 'u':  // SETITEMS
        add_to_top(pop_to_mark(), Kind::map);
        break;
      case 0x81:  // NEWOBJ
        new_object();
        break;
      case 'b':  // BUILD
        add_to_top({pop()}, Kind::object);
        break;
      case 'R':  // REDUCE
        pop();
        pop();
        push(Kind::other);
        break;
      case 'Q':  // BINPERSID
        pop();
        push(Kind::other);
        break;
      case 'q':  // BINPUT
        memo_[whole(1)] = top();
        break;
      case 'r':  // LONG_BINPUT
        memo_[whole(4)] = top();
        break;
      case 'h':  // BINGET
        push_remembered(whole(1));
        break;
      case 'j':  // LONG_BINGET
        push_remembered(whole(4));
        break;
      default:
        refuse(fmt::format("unknown opcode 0x{:02x} at byte {}", opcode, at_ - 1));
    }
  }

  std::string_view take(std::size_t count) {
    if (bytes_.size() - at_ < count) refuse("they are cut short");
    at_ += count;
    return bytes_.substr(at_ - count, count);
  }

  std::int64_t whole(std::size_t bytes) {
    std::uint64_t value = 0;
    const std::string_view text = take(bytes);
    for (std::size_t i = bytes; i > 0; --i)
      value = value << 8 | static_cast<unsigned char>(text[i - 1]);
    return static_cast<std::int64_t>(value);
  }

  std::string line() {
    const std::size_t end = bytes_.find('\n', at_);
    if (end == bytes_.npos) refuse("they are cut short");
    const std::string_view text = take(end + 1 - at_);
    return std::string(text.substr(0, text.size() - 1));
  }

  void push_value(Value* value) {
    if (stack_.size() >= kMostValues) refuse("they are too many");
    stack_.push_back(value);
  }
  void push(Kind kind) {
    if (values_.size() >= kMostValues) refuse("they are too many");
    values_.emplace_back().kind = kind;
    push_value(&values_.back());
  }
  void push_scalar(ParamValue scalar) {
    push(Kind::scalar);
    top()->scalar = std::move(scalar);
  }
  void push_with(Kind kind, Items items) {
    push(kind);
    top()->items = std::move(items);
  }
  void push_tuple(int count) {
    Items items(static_cast<std::size_t>(count));
    for (auto item = items.rbegin(); item != items.rend(); ++item) *item = pop();
    push_with(Kind::sequence, std::move(items));
  }
  void push_long(std::size_t bytes) {
    if (bytes > 8) refuse("a whole number has more than 64 bits");
    std::uint64_t value = static_cast<std::uint64_t>(whole(bytes));
    if (bytes > 0 && bytes < 8 && (value >> (8 * bytes - 1)) != 0) value |= ~0ull << (8 * bytes);
    push_scalar(static_cast<std::int64_t>(value));
  }
  void push_real() {
    std::uint64_t word = 0;
    for (const char c : take(8)) word = word << 8 | static_cast<unsigned char>(c);
    push_scalar(std::bit_cast<double>(word));
  }
  void push_global() {
    const std::string module = line();
    const std::string name = line();
    push(Kind::global);
    top()->name = module + "." + name;
  }
  void push_remembered(std::int64_t index) {
    const auto found = memo_.find(index);
    if (found == memo_.end()) refuse("a reference points at nothing");
    push_value(found->second);
  }

  Value* top() const {
    if (stack_.empty()) refuse("a value is missing");
    return stack_.back();
  }
  Value* pop() {
    Value* value = top();
    stack_.pop_back();
    return value;
  }
  Items pop_to_mark() {
    Items items;
    while (top()->kind != Kind::mark) items.push_back(pop());
    pop();
    std::reverse(items.begin(), items.end());
    return items;
  }

  void add_to_top(const Items& items, Kind expected) {
    Value& value = *top();
    if (value.kind != expected && value.kind != Kind::other) refuse("they are inconsistent");
    value.items.insert(value.items.end(), items.begin(), items.end());
  }
  void set_item() {
    const Value* value = pop();
    const Value* key = pop();
    add_to_top({key, value}, Kind::map);
  }
  void new_object() {
    pop();
    const Value* cls = pop();
    if (cls->kind != Kind::global) refuse("an object has no class");
    push(Kind::object);
    top()->name = cls->name;
  }

  std::string_view bytes_;
  const std::string& file_;
  std::size_t at_ = 0;
  std::deque<Value> values_;  ///< all that were made: who holds whom does not matter
  std::vector<Value*> stack_;
  std::map<std::int64_t, Value*> memo_;
};

}  // namespace

const PickledAttribute* PickledModule::find(const std::string& name) const {
  for (const PickledAttribute& attribute : attributes)
    if (attribute.name == name) return &attribute;
  return nullptr;
}

PickledModule read_pickled_module(std::string_view bytes, const std::string& file) {
  PickleMachine machine(bytes, file);
  const Value* root = machine.run();
  if (root->kind != Kind::object) machine.refuse("they are not those of a module");
  if (root->items.size() != 1 || root->items[0]->kind != Kind::map)
    machine.refuse("the module saves itself its own way (__getstate__)");
  PickledModule module;
  module.class_name = root->name;
  const Items& state = root->items[0]->items;
  for (std::size_t i = 0; i + 1 < state.size(); i += 2) {
    const auto* name = std::get_if<std::string>(&state[i]->scalar);
    if (name == nullptr) machine.refuse("an attribute has no name");
    PickledAttribute attribute{*name, std::nullopt};
    if (state[i + 1]->kind == Kind::scalar) attribute.value = state[i + 1]->scalar;
    module.attributes.push_back(std::move(attribute));
  }
  return module;
}

}  // namespace engine::scripted
