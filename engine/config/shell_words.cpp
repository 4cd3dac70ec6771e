// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/shell_words.h"

#include "engine/printable.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace engine {
namespace {

/// Of a text, and of all that its variables expand to.
constexpr std::size_t kLongest = 1 << 20;

bool is_name_start(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_'; }
bool is_name_char(char c) { return is_name_start(c) || (c >= '0' && c <= '9'); }
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

class ShellReader {
 public:
  explicit ShellReader(std::string_view text) : text_(text) {}

  ShellText read() {
    if (text_.size() > kLongest) {
      complain("too-long", fmt::format("the text has {} bytes", text_.size()),
               "Copy the command alone");
      return std::move(result_);
    }
    if (text_.find('\0') != std::string_view::npos) {
      complain("bad-text", "the text holds a NUL byte", "Copy the command as text");
      return std::move(result_);
    }
    skip_prompt();
    while (at_ < text_.size() && !is_given_up_) read_one();
    end_command();
    return std::move(result_);
  }

 private:
  char now(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  bool starts(std::string_view what) const { return text_.substr(at_).starts_with(what); }

  void complain(const char* id, std::string message, std::string remedy,
                Severity severity = Severity::error) {
    Problem problem;
    problem.id = id;
    problem.severity = severity;
    problem.message = std::move(message);
    problem.remedy = std::move(remedy);
    result_.problems.push_back(std::move(problem));
  }

  void give_up(std::string message, std::string remedy) {
    is_given_up_ = true;
    complain("bad-shell-text", std::move(message), std::move(remedy));
  }

  /// "$ python …", "> …" and "!python …" as terminals and notebooks show commands.
  void skip_prompt() {
    while (is_blank(now()) || now() == '\n') ++at_;
    if ((now() == '$' || now() == '%' || now() == '>') && is_blank(now(1))) at_ += 2;
    if (now() == '!') ++at_;
  }

  void read_one() {
    const char c = now();
    if (const std::size_t blank = blank_length()) {
      at_ += blank;
      end_word();
    } else if (const std::size_t joint = continuation_length()) {
      at_ += joint;
      end_word_at_joint();
    } else if (c == '#' && !has_word_) {
      while (at_ < text_.size() && now() != '\n') ++at_;
    } else if (c == '\n') {
      ++at_;
      end_command();
      skip_prompt();
    } else if (c == ';' || c == '&' || c == '|') {
      operate();
    } else if (c == '>' || c == '<') {
      redirect();
    } else if (c == '(' || c == ')') {
      give_up(fmt::format("\"{}\" begins or ends a subshell, a function or an array", c),
              "Copy the command alone, with its values written out");
    } else {
      has_word_ = true;
      read_part();
    }
  }

  /// Also the no-break space that pages put between words.
  std::size_t blank_length() const {
    if (is_blank(now())) return 1;
    return starts("\xC2\xA0") ? 2 : 0;
  }

  /// A backslash before the end of a line; with blanks between them the shell would not go on, but
  /// whoever wrote it meant that.
  std::size_t continuation_length() const {
    if (now() != '\\') return 0;
    std::size_t end = at_ + 1;
    while (end < text_.size() && is_blank(text_[end])) ++end;
    if (end < text_.size() && text_[end] == '\n') return end + 1 - at_;
    return end == text_.size() ? end - at_ : 0;
  }

  /// The shell joins what stands before and behind a continued line; at a blank the word ends.
  void end_word_at_joint() {
    if (blank_length() > 0) end_word();
  }

  void operate() {
    const char c = now();
    const bool is_double = now(1) == c && c != ';';
    at_ += is_double ? 2 : 1;
    if (c == '|' && !is_double) {
      complain("passed-over", "what the output is piped into is passed over", "", Severity::note);
    }
    const bool pipes = c == '|' && !is_double;
    end_command();
    in_pipe_ = pipes;
  }

  /// "2> file", "&> file", "< file": the file's name is read and forgotten.
  void redirect() {
    const bool is_number = has_word_ && !word_.text.empty() &&
                           std::all_of(word_.text.begin(), word_.text.end(),
                                       [](char d) { return d >= '0' && d <= '9'; });
    if (is_number) {
      word_ = {};
      has_word_ = false;
    }
    end_word();
    while (now() == '>' || now() == '<' || now() == '&') ++at_;
    drops_next_ = true;
    if (!std::exchange(said_redirected_, true)) {
      complain("passed-over", "where input and output go is passed over", "", Severity::note);
    }
  }

  void read_part() {
    const char c = now();
    if (c == '\'') {
      read_single_quoted();
    } else if (c == '"') {
      read_double_quoted();
    } else if (c == '\\') {
      if (at_ + 1 < text_.size()) word_.text += text_[at_ + 1];
      was_quoted_ = true;
      at_ += 2;
    } else if (c == '$' || c == '`') {
      expand(true);
    } else {
      if (c == '=' && !was_quoted_ && name_length_ == 0 && is_name(word_.text)) {
        name_length_ = word_.text.size();
      }
      word_.text += c;
      ++at_;
    }
  }

  static bool is_name(const std::string& text) {
    return !text.empty() && is_name_start(text[0]) &&
           std::all_of(text.begin(), text.end(), is_name_char);
  }

  void read_single_quoted() {
    was_quoted_ = true;
    const std::size_t end = text_.find('\'', at_ + 1);
    if (end == std::string_view::npos) {
      return give_up("a single quote is opened and not closed", "Copy the whole command");
    }
    word_.text += text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
  }

  void read_double_quoted() {
    was_quoted_ = true;
    ++at_;
    while (at_ < text_.size() && now() != '"' && !is_given_up_) {
      if (now() == '\\' && now(1) == '\n') {
        at_ += 2;
      } else if (now() == '\\' &&
                 std::string_view("$`\"\\").find(now(1)) != std::string_view::npos &&
                 now(1) != '\0') {
        word_.text += now(1);
        at_ += 2;
      } else if (now() == '$' || now() == '`') {
        expand(false);
      } else {
        word_.text += now();
        ++at_;
      }
    }
    if (at_ >= text_.size()) {
      return give_up("a double quote is opened and not closed", "Copy the whole command");
    }
    ++at_;
  }

  /// `splits`: outside of quotes a value is words of its own.
  void expand(bool splits) {
    const std::size_t begin = at_;
    if (now() == '`') {
      const std::size_t end = text_.find('`', at_ + 1);
      at_ = end == std::string_view::npos ? text_.size() : end + 1;
      return stay_unknown(begin);
    }
    ++at_;
    if (now() == '(') {
      skip_nested('(', ')');
      return stay_unknown(begin);
    }
    if (now() == '{') {
      const std::size_t inner = at_ + 1;
      skip_nested('{', '}');
      const std::size_t end = at_ > inner ? at_ - 1 : inner;
      return expand_braced(std::string(text_.substr(inner, end - inner)), begin, splits);
    }
    std::string name;
    while (is_name_char(now())) name += text_[at_++];
    if (name.empty() && now() != '@' && now() != '*' && now() != '#' && now() != '?') {
      word_.text += '$';
      return;
    }
    if (name.empty()) ++at_;
    const auto known = variables_.find(name);
    if (known == variables_.end()) return stay_unknown(begin);
    take(known->second, splits);
  }

  void expand_braced(const std::string& inner, std::size_t begin, bool splits) {
    const std::size_t colon = inner.find(":-");
    const std::string name = inner.substr(0, colon);
    const auto known = variables_.find(name);
    if (known != variables_.end()) return take(known->second, splits);
    const bool has_default = colon != std::string::npos && is_name(name) &&
                             inner.find_first_of("$`\"'\\", colon) == std::string::npos;
    if (has_default) return take({inner.substr(colon + 2), {}}, splits);
    stay_unknown(begin);
  }

  void skip_nested(char open, char close) {
    int depth = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == open) ++depth;
      if (c == close && --depth == 0) return;
    }
  }

  void stay_unknown(std::size_t begin) {
    if (word_.unknown.empty()) {
      word_.unknown = printable(text_.substr(begin, at_ - begin), 60);
    }
    word_.text += text_.substr(begin, at_ - begin);
  }

  void take(const ShellWord& value, bool splits) {
    expanded_ += value.text.size();
    if (expanded_ > kLongest) {
      return give_up("its variables expand to more than a megabyte", "Copy the command alone");
    }
    if (!value.unknown.empty()) word_.unknown = value.unknown;
    for (const char c : value.text) {
      const bool ends = splits && name_length_ == 0 && (is_blank(c) || c == '\n');
      if (!ends) {
        has_word_ = true;
        word_.text += c;
      } else if (!word_.text.empty()) {
        end_word();
      }
    }
  }

  void end_word() {
    if (!has_word_) return;
    ShellWord word = std::exchange(word_, {});
    const std::size_t name = std::exchange(name_length_, 0);
    has_word_ = was_quoted_ = false;
    if (std::exchange(drops_next_, false)) return;
    const bool exports = command_.words.size() == 1 && command_.words[0].text == "export";
    if (name > 0 && (command_.words.empty() || exports)) {
      ShellWord value{word.text.substr(name + 1), word.unknown};
      variables_[word.text.substr(0, name)] = value;
      command_.assignments.emplace_back(word.text.substr(0, name), std::move(value));
      return;
    }
    command_.words.push_back(std::move(word));
  }

  void end_command() {
    end_word();
    drops_next_ = false;
    ShellCommand command = std::exchange(command_, {});
    const bool is_empty = command.words.empty() && command.assignments.empty();
    if (!std::exchange(in_pipe_, false) && !is_empty)
      result_.commands.push_back(std::move(command));
  }

  std::string_view text_;
  std::size_t at_ = 0;
  ShellText result_;
  ShellCommand command_;
  ShellWord word_;
  bool has_word_ = false;
  bool was_quoted_ = false;
  bool drops_next_ = false;  ///< the next word names a file of a redirection
  bool in_pipe_ = false;     ///< what is read takes the output of the command before
  bool said_redirected_ = false;
  bool is_given_up_ = false;
  std::size_t name_length_ = 0;  ///< of NAME in the word NAME=value; 0 = it is none
  std::size_t expanded_ = 0;
  std::map<std::string, ShellWord> variables_;
};

}  // namespace

ShellText read_shell_text(std::string_view text) { return ShellReader(text).read(); }

}  // namespace engine
