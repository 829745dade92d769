// Exhaustive visiting of the closed variants (AST nodes, IR nodes): an unhandled alternative does not compile.
#pragma once

#include <type_traits>
#include <utility>
#include <variant>

namespace sparkle {

template <class... Fs> struct Overloaded : Fs... { using Fs::operator()...; };
template <class... Fs> Overloaded(Fs...) -> Overloaded<Fs...>;

template <class Node, class... Fs> decltype(auto) match(Node &&node, Fs &&...fs) {
  return std::visit(Overloaded<std::decay_t<Fs>...>{std::forward<Fs>(fs)...}, std::forward<Node>(node));
}

} // namespace sparkle
