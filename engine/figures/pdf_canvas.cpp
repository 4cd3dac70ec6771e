// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/figures/pdf_canvas.h"

#include "engine/utf8.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstdlib>
#include <vector>

namespace engine {
namespace {

constexpr double kPageWidth = 180 / 25.4 * 72;  ///< points
constexpr const char* kInk = "#1b1f24";

/// Widths of Helvetica's glyphs from the blank on, in thousandths of the size (Adobe's metrics).
constexpr std::array<int, 95> kWidths = {
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333,  278, 278, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667,
    611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667,  611, 722, 667, 944, 667,
    667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278,  556, 556, 222, 222, 500,
    222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500,  500, 334, 260, 334, 584};
constexpr int kOtherWidth = 556;

/// A glyph of one of the two fonts.
struct Glyph {
  bool symbol = false;
  unsigned char code = '?';
  int width = kOtherWidth;
};

Glyph glyph_of(char32_t letter) {
  if (letter >= 0x20 && letter < 0x7f)
    return {false, static_cast<unsigned char>(letter), kWidths[letter - 0x20]};
  if (letter >= 0xa0 && letter <= 0xff) return {false, static_cast<unsigned char>(letter), 556};
  switch (letter) {
    case U'–':
      return {false, 0x96, 556};
    case U'—':
      return {false, 0x97, 1000};
    case U'…':
      return {false, 0x85, 1000};
    case U'’':
      return {false, 0x92, 222};
    case U'−':
      return {true, 0x2d, 549};
    case U'Δ':
      return {true, 0x44, 612};
    case U'ρ':
      return {true, 0x72, 549};
    case U'σ':
      return {true, 0x73, 603};
    case U'→':
      return {true, 0xae, 987};
    default:
      return {};
  }
}

/// "0.137 0.525 0.980" of "#2386FA".
std::string color_text(const std::string& color) {
  const auto channel = [&color](std::size_t at) {
    return static_cast<double>(std::strtol(color.substr(at, 2).c_str(), nullptr, 16)) / 255;
  };
  return fmt::format("{:.3f} {:.3f} {:.3f}", channel(1), channel(3), channel(5));
}

std::vector<Glyph> glyphs_of(const std::string& words) {
  const std::string text = lossy_utf8(words);
  std::vector<Glyph> glyphs;
  for (std::size_t at = 0; at < text.size();) {
    const DecodedChar letter = decode_utf8(text, at);
    glyphs.push_back(glyph_of(letter.code_point));
    at += letter.length;
  }
  return glyphs;
}

}  // namespace

PdfCanvas::PdfCanvas(double width, double height) : width_(width), height_(height) {
  const double scale = kPageWidth / width_;
  content_ = fmt::format("{0:.6f} 0 0 {1:.6f} 0 {2:.3f} cm\n1 j\n", scale, -scale, height_ * scale);
}

void PdfCanvas::path(const std::vector<SeriesPoint>& points) {
  for (std::size_t i = 0; i < points.size(); ++i)
    content_ += fmt::format("{:.2f} {:.2f} {}\n", points[i].x, points[i].y, i == 0 ? "m" : "l");
}

void PdfCanvas::setOpacity(double opacity) {
  const int hundredths = static_cast<int>(std::lround(opacity * 100));
  const auto [found, is_new] = opacities_.emplace(hundredths, static_cast<int>(opacities_.size()));
  content_ += fmt::format("/G{} gs\n", found->second);
}

void PdfCanvas::line(const std::vector<SeriesPoint>& points, const Stroke& stroke) {
  if (points.empty()) return;
  std::string dash;
  for (const double length : stroke.dash) dash += fmt::format("{:g} ", length);
  content_ += fmt::format("{} RG {:g} w [{}] 0 d\n", color_text(stroke.color), stroke.width, dash);
  path(points);
  content_ += "S\n";
}

void PdfCanvas::area(const std::vector<SeriesPoint>& corners, const Fill& fill, bool outlined) {
  if (corners.empty()) return;
  setOpacity(fill.opacity);
  content_ += fmt::format("{} rg 1 1 1 RG 1 w [] 0 d\n", color_text(fill.color));
  path(corners);
  content_ += outlined ? "b\n" : "f\n";
  setOpacity(1);
}

void PdfCanvas::text(double x, double y, const std::string& words, const TextStyle& style) {
  const std::vector<Glyph> glyphs = glyphs_of(words);
  if (glyphs.empty()) return;
  double width = 0;
  for (const Glyph& glyph : glyphs) width += glyph.width * style.size / 1000;
  const double before = style.anchor == TextAnchor::start    ? 0
                        : style.anchor == TextAnchor::middle ? width / 2
                                                             : width;
  setOpacity(style.opacity);
  // The page's y points down, letters stand up.
  content_ +=
      style.turned
          ? fmt::format("BT {} rg 0 -1 -1 0 {:.2f} {:.2f} Tm\n", color_text(kInk), x, y + before)
          : fmt::format("BT {} rg 1 0 0 -1 {:.2f} {:.2f} Tm\n", color_text(kInk), x - before, y);
  for (std::size_t at = 0; at < glyphs.size();) {
    const bool symbol = glyphs[at].symbol;
    content_ += fmt::format("/{} {:g} Tf <", symbol ? "S" : style.bold ? "B" : "H", style.size);
    for (; at < glyphs.size() && glyphs[at].symbol == symbol; ++at)
      content_ += fmt::format("{:02x}", glyphs[at].code);
    content_ += "> Tj\n";
  }
  content_ += "ET\n";
  setOpacity(1);
}

std::string PdfCanvas::finish() {
  std::string states;
  for (const auto& [hundredths, number] : opacities_)
    states += fmt::format("/G{} << /ca {:g} >> ", number, hundredths / 100.0);
  const auto font = [](const char* name, bool is_text) {
    return fmt::format("<< /Type /Font /Subtype /Type1 /BaseFont /{}{} >>", name,
                       is_text ? " /Encoding /WinAnsiEncoding" : "");
  };
  const std::vector<std::string> objects = {
      "<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
      fmt::format("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {:.2f} {:.2f}] /Contents 4 0 R "
                  "/Resources << /Font << /H {} /B {} /S {} >> /ExtGState << {}>> >> >>",
                  kPageWidth, height_ * kPageWidth / width_, font("Helvetica", true),
                  font("Helvetica-Bold", true), font("Symbol", false), states),
      fmt::format("<< /Length {} >>\nstream\n{}endstream", content_.size(), content_)};
  std::string file = "%PDF-1.4\n";
  std::string table = fmt::format("xref\n0 {}\n0000000000 65535 f \n", objects.size() + 1);
  for (std::size_t i = 0; i < objects.size(); ++i) {
    table += fmt::format("{:010} 00000 n \n", file.size());
    file += fmt::format("{} 0 obj\n{}\nendobj\n", i + 1, objects[i]);
  }
  return file + table +
         fmt::format("trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{}\n%%EOF\n",
                     objects.size() + 1, file.size());
}

}  // namespace engine
