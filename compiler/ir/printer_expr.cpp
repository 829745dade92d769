#include <algorithm>
#include <bit>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>

#include "compiler/ir/printer_impl.h"
#include "compiler/support/match.h"

namespace sparkle {
namespace {

// How tightly an expression binds; the parser has the same table.
constexpr int kCompare = 3;
constexpr int kUnary = 6;
constexpr int kPrimary = 7;

int binding(BinaryOp op) {
  switch (op) {
  case BinaryOp::kOr: return 1;
  case BinaryOp::kAnd: return 2;
  case BinaryOp::kAdd:
  case BinaryOp::kSub: return 4;
  case BinaryOp::kMul:
  case BinaryOp::kDiv:
  case BinaryOp::kMod: return 5;
  case BinaryOp::kMin:
  case BinaryOp::kMax: return kPrimary;
  }
  return kPrimary;
}

int binding(const Expr &e) {
  if (const auto *binary = std::get_if<Binary>(&e)) return binding(binary->op);
  if (std::holds_alternative<Compare>(e)) return kCompare;
  const auto *unary = std::get_if<Unary>(&e);
  if (unary && (unary->op == UnaryOp::kNeg || unary->op == UnaryOp::kNot)) return kUnary;
  return kPrimary;
}

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

bool all_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// `0`, or `0_2`.
bool is_split_number(std::string_view text) {
  const size_t at = text.find('_');
  if (at == std::string_view::npos) return all_digits(text);
  return all_digits(text.substr(0, at)) && all_digits(text.substr(at + 1));
}

void append_type(StringBuilder &out, Type type, Type silent) {
  if (!(type == silent)) out << ':' << to_string(type);
}

std::string digits_of(double value) {
  char digits[48];
  const auto end = std::to_chars(digits, digits + sizeof digits, static_cast<float>(value)).ptr;
  std::string text(digits, end);
  if (text.find_first_not_of("-0123456789") == std::string::npos) text += ".0";
  return text;
}

} // namespace

bool is_identifier(std::string_view name) {
  if (name.empty() || std::isdigit(static_cast<unsigned char>(name.front()))) return false;
  return std::all_of(name.begin(), name.end(), is_word);
}

std::string printed_name(std::string_view name) {
  const size_t dot = name.rfind('.');
  const bool has_split = dot != std::string_view::npos && is_split_number(name.substr(dot + 1));
  if (is_identifier(has_split ? name.substr(0, dot) : name)) return std::string(name);
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text = "\"";
  for (char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7F || c == '"' || c == '\\') {
      text += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    } else {
      text += c;
    }
  }
  return text + "\"";
}

void ExprPrinter::var(VarId id) { out_ << '%' << printed_name(k_.var(id).name); }

void ExprPrinter::buffer(BufferId id) { out_ << '@' << printed_name(k_.buffer(id).name); }

void ExprPrinter::list(const std::vector<ExprId> &ids) {
  for (size_t i = 0; i < ids.size(); ++i) {
    if (i > 0) out_ << ", ";
    expr(ids[i]);
  }
}

void ExprPrinter::element(BufferId id, const std::vector<ExprId> &indices) {
  buffer(id);
  out_ << '[';
  list(indices);
  out_ << ']';
}

void ExprPrinter::range(ExprId begin, ExprId end) {
  const bool compound = binding(k_.expr(begin)) < kPrimary || binding(k_.expr(end)) < kPrimary;
  expr(begin);
  out_ << (compound ? " .. " : "..");
  expr(end);
}

void ExprPrinter::int_const(const IntConst &e) {
  if (e.type == kBoolType && (e.value == 0 || e.value == 1)) {
    out_ << (e.value ? "true" : "false");
    return;
  }
  out_ << e.value;
  append_type(out_, e.type, kIndexType);
}

void ExprPrinter::float_const(const FloatConst &e) {
  const uint64_t bits = std::bit_cast<uint64_t>(e.value);
  if (!std::isnan(e.value)) {
    out_ << digits_of(e.value);
  } else if (bits == std::bit_cast<uint64_t>(std::numeric_limits<double>::quiet_NaN())) {
    out_ << "nan";
  } else {
    char digits[20];
    out_ << "nan(0x" << std::string_view(digits, std::to_chars(digits, digits + sizeof digits, bits, 16).ptr - digits)
         << ')';
  }
  append_type(out_, e.type, kF32Type);
}

void ExprPrinter::unary(const Unary &e) {
  if (e.op != UnaryOp::kNeg && e.op != UnaryOp::kNot) return call(name_of(e.op), {e.a});
  out_ << (e.op == UnaryOp::kNot ? "not " : "-");
  // `-1` is a constant, so that the negation of a constant needs parentheses.
  const bool is_number =
      std::holds_alternative<IntConst>(k_.expr(e.a)) || std::holds_alternative<FloatConst>(k_.expr(e.a));
  expr(e.a, is_number && e.op == UnaryOp::kNeg ? kPrimary + 1 : kUnary);
}

void ExprPrinter::binary(const Binary &e) {
  const int level = binding(e.op);
  if (level == kPrimary) return call(name_of(e.op), {e.a, e.b});
  expr(e.a, level);
  out_ << ' ' << name_of(e.op) << ' ';
  expr(e.b, level + 1);
}

void ExprPrinter::call(std::string_view name, const std::vector<ExprId> &arguments) {
  out_ << name << '(';
  list(arguments);
  out_ << ')';
}

void ExprPrinter::shuffle(const Shuffle &e) {
  out_ << "shuffle([";
  list(e.inputs);
  out_ << "], [";
  for (size_t i = 0; i < e.indices.size(); ++i) out_ << (i > 0 ? ", " : "") << e.indices[i];
  out_ << "])";
}

void ExprPrinter::read(const Read &e) {
  const bool guarded = is_valid(e.guard);
  if (guarded) out_ << '(';
  element(e.buffer, e.indices);
  if (!guarded) return;
  out_ << " if ";
  expr(e.guard);
  if (is_valid(e.other)) {
    out_ << " else ";
    expr(e.other);
  }
  out_ << ')';
}

void ExprPrinter::reduce(const Reduce &e) {
  out_ << name_of(e.op) << '[';
  for (size_t i = 0; i < e.axes.size(); ++i) {
    if (i > 0) out_ << ", ";
    var(e.axes[i].var);
    out_ << " in ";
    range(e.axes[i].begin, e.axes[i].end);
  }
  if (is_valid(e.filter)) {
    out_ << " where ";
    expr(e.filter);
  }
  out_ << "](";
  expr(e.body);
  out_ << ')';
}

void ExprPrinter::node(const Expr &e) {
  match(
      e, [&](const IntConst &n) { int_const(n); }, [&](const FloatConst &n) { float_const(n); },
      [&](const VarRef &n) { var(n.var); }, [&](const Unary &n) { unary(n); }, [&](const Binary &n) { binary(n); },
      [&](const Compare &n) {
        expr(n.a, kCompare + 1);
        out_ << ' ' << name_of(n.op) << ' ';
        expr(n.b, kCompare + 1);
      },
      [&](const Select &n) {
        call("select", {n.cond, n.a, n.b});
      },
      [&](const Fma &n) {
        call("fma", {n.a, n.b, n.c});
      },
      [&](const Cast &n) { call(to_string(n.type), {n.a}); },
      [&](const Bitcast &n) { call("bits_" + to_string(n.type), {n.a}); },
      [&](const Ramp &n) {
        out_ << "ramp(";
        expr(n.base);
        out_ << ", " << n.stride << ", " << n.lanes << ')';
      },
      [&](const Broadcast &n) {
        out_ << "broadcast(";
        expr(n.a);
        out_ << ", " << n.lanes << ')';
      },
      [&](const Shuffle &n) { shuffle(n); },
      [&](const ReduceLanes &n) { call(std::string(name_of(n.op)) + "_lanes", {n.a}); },
      [&](const Dot &n) {
        call("dot", {n.acc, n.a, n.b});
      },
      [&](const Read &n) { read(n); }, [&](const Reduce &n) { reduce(n); });
}

void ExprPrinter::expr(ExprId id, int least) {
  const Expr &e = k_.expr(id);
  const bool parentheses = binding(e) < least;
  if (parentheses) out_ << '(';
  node(e);
  if (parentheses) out_ << ')';
}

} // namespace sparkle
