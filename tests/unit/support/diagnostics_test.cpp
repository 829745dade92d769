#include "compiler/support/diagnostics.h"

#include <gtest/gtest.h>

namespace sparkle {
namespace {

TEST(Source, FindsLinesAndColumns) {
  const Source source("a.spk", "one\r\ntwo\n\nlast");
  EXPECT_EQ(source.place(0).line, 1);
  EXPECT_EQ(source.place(5).line, 2);
  EXPECT_EQ(source.place(5).column, 1);
  EXPECT_EQ(source.place(9).line, 3);
  EXPECT_EQ(source.place(12).column, 3);
  EXPECT_EQ(source.place(1000).line, 4);
  EXPECT_EQ(source.place(1000).column, 5);
  EXPECT_EQ(source.line(1), "one");
  EXPECT_EQ(source.line(3), "");
  EXPECT_EQ(source.line(4), "last");
  EXPECT_EQ(source.line(0), "");
  EXPECT_EQ(source.line(5), "");
}

TEST(Diagnostics, RenderWithCaretHintAndNotes) {
  const Source source("a.spk", "let x = 1;\nlet y = zz;\n");
  Diagnostics diagnostics;
  auto &d = diagnostics.error("unknown-name", {19, 21}, "`zz` is not declared");
  d.hint = "did you mean `x`?";
  d.notes.push_back({{4, 5}, "`x` declared here"});
  EXPECT_EQ(render_text(diagnostics, source), "a.spk:2:9: error: `zz` is not declared [unknown-name]\n"
                                              "    2 | let y = zz;\n"
                                              "      |         ^^\n"
                                              "      = hint: did you mean `x`?\n"
                                              "a.spk:1:5: note: `x` declared here\n"
                                              "    1 | let x = 1;\n"
                                              "      |     ^\n");
}

TEST(Diagnostics, LineUpBehindTabsWideLettersAndControls) {
  const Source source("a.spk", "\t\xC3\xA9\x1B x");
  Diagnostics diagnostics;
  diagnostics.warning("w", {5, 6}, "here");
  EXPECT_EQ(render_text(diagnostics, source), "a.spk:1:6: warning: here [w]\n"
                                              "    1 |  \xC3\xA9\\x1b x\n"
                                              "      |        ^\n");
}

TEST(Diagnostics, ShowAWindowOfALongLine) {
  const Source source("a.spk", std::string(100000, 'a') + "!" + std::string(100000, 'b'));
  Diagnostics diagnostics;
  diagnostics.error("e", {100000, 100001}, "here");
  const std::string text = render_text(diagnostics, source);
  EXPECT_LT(text.size(), 600u);
  EXPECT_NE(text.find("a!b"), std::string::npos);
  const size_t line = text.find(" | "), caret_line = text.find(" | ", line + 3);
  EXPECT_EQ(text.find('!') - line, text.find('^') - caret_line);
}

TEST(Diagnostics, KeepTwentyErrorsAndCountTheRest) {
  Diagnostics diagnostics;
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(diagnostics.full(), i >= Diagnostics::kMaxErrors);
    diagnostics.error("e", {0, 0}, "again").hint = "h";
  }
  EXPECT_EQ(diagnostics.list().size(), 20u);
  EXPECT_EQ(diagnostics.error_count(), 50);
  EXPECT_NE(render_text(diagnostics, Source("a", "")).find("30 more"), std::string::npos);
}

TEST(Diagnostics, RenderAsJsonLines) {
  const Source source("dir/\"a\".spk", "x\ny");
  Diagnostics diagnostics;
  auto &d = diagnostics.error("e", {2, 3}, "tab\t quote\" slash\\ \xFF");
  d.fixes.push_back({{0, 1}, "z"});
  d.notes.push_back({{0, 1}, "n"});
  EXPECT_EQ(
      render_json(diagnostics, source),
      "{\"severity\":\"error\",\"code\":\"e\",\"file\":\"dir/\\\"a\\\".spk\",\"line\":2,\"column\":1,\"end_line\":2,"
      "\"end_column\":2,\"length\":1,\"message\":\"tab\\u0009 quote\\\" slash\\\\ \\ufffd\",\"hint\":\"\",\"notes\":["
      "{\"line\":1,\"column\":1,\"end_line\":1,\"end_column\":2,\"length\":1,\"message\":\"n\"}],\"fix\":{\"range\":{"
      "\"line\":1,\"column\":1,\"end_line\":1,\"end_column\":2,\"length\":1},\"replacement\":\"z\"}}\n");
}

TEST(Diagnostics, ShowTheLineThatWouldBeRight) {
  const Source source("a", "  x = u8(a*b);\n");
  Diagnostics diagnostics;
  auto &d = diagnostics.error("e", {6, 13}, "t");
  d.fixes.push_back({{12, 12}, ")"});
  d.fixes.push_back({{9, 9}, "round("});
  EXPECT_NE(render_text(diagnostics, source).find("      = fix: x = u8(round(a*b));\n"), std::string::npos);
  EXPECT_NE(render_json(diagnostics, source).find("\"replacement\":\"round(a*b)\""), std::string::npos);
}

TEST(EscapeControl, LetsOnlyPrintableTextThrough) {
  EXPECT_EQ(escape_control("plain \xE2\x82\xAC"), "plain \xE2\x82\xAC");
  EXPECT_EQ(escape_control("\x1B[31m\n\t\x7F"), "\\x1b[31m\\n\\t\\x7f");
  EXPECT_EQ(escape_control(std::string_view("\0", 1)), "\\x00");
  EXPECT_EQ(escape_control("\xC0\x80\xED\xA0\x80\xF5"), "\\xc0\\x80\\xed\\xa0\\x80\\xf5");
  EXPECT_EQ(escape_control("\xE2\x80\xAE"), "\\u202e");
  EXPECT_EQ(escape_control("\xC2\x9B"), "\\x9b");
  EXPECT_EQ(escape_control("\xE2\x82"), "\\xe2\\x82");
}

} // namespace
} // namespace sparkle
