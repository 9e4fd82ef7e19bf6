#include "keyserver/search_text.hpp"

#include <utility>

#include "core/text.hpp"

namespace melder::keyserver {
namespace {

/// The base letter of each code point from `first` on, after the decompositions of Unicode 15 (NFKD): '-' separates
/// words, '?' stays what it is.
struct BaseLetters {
    char32_t first;
    std::string_view letters;
};
constexpr BaseLetters latin{U'\u00C0',
                            "aaaaaaaceeeeiiiidnooooo-ouuuuytsaaaaaaaceeeeiiiidnooooo-ouuuuyty"
                            "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkklllllll"
                            "lllnnnnnn?nnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs"
                            "????????????????????????????????oo?????????????uu???????????????"
                            "????dddlllnnnaaiioouuuuuuuuuu?aaaa????ggkkoooo??jdddgg??nnaa????"
                            "aaaaeeeeiiiioooorrrruuuusstt??hh??????aaeeooooooooyy????????????"};
constexpr BaseLetters latin_additional{U'\u1E00',
                                       "aabbbbbbccddddddddddeeeeeeeeeeffgghhhhhhhhhhiiiikkkkkkllllllllmm"
                                       "mmmmnnnnnnnnoooooooopppprrrrrrrrssssssssssttttttttuuuuuuuuuuvvvv"
                                       "wwwwwwwwwwxxxxyyzzzzzzhtwyas??s?aaaaaaaaaaaaaaaaaaaaaaaaeeeeeeee"
                                       "eeeeeeeeiiiioooooooooooooooooooooooouuuuuuuuuuuuuuyyyyyyyy??????"};

char32_t base_of(char32_t c, const BaseLetters& table) {
    const auto letter = table.letters[c - table.first];
    return letter == '?' ? c : static_cast<char32_t>(letter);
}
bool stands_in(char32_t c, const BaseLetters& table) {
    return c >= table.first && c < table.first + table.letters.size();
}

char32_t fold(char32_t c) {
    if (c < 0x80) {
        if (c >= U'A' && c <= U'Z') return c + 0x20;
        return (c >= U'a' && c <= U'z') || (c >= U'0' && c <= U'9') ? c : U'-';
    }
    if (c < 0xC0) return U'-';  // C1 controls, signs, no-break space
    if (stands_in(c, latin)) return base_of(c, latin);
    if (stands_in(c, latin_additional)) return base_of(c, latin_additional);
    if (c >= 0x391 && c <= 0x3A9) return c + 0x20;  // Greek
    if (c >= 0x410 && c <= 0x42F) return c + 0x20;  // Cyrillic
    if (c >= 0x400 && c <= 0x40F) return c + 0x50;
    return (c >= 0x2000 && c <= 0x206F) || c == 0x3000 ? U'-' : c;  // spaces, dashes, quotation marks
}

/// Letters that stand for a vowel and an e, whichever way they are written.
bool is_umlaut(char32_t c) {
    switch (c) {
        case U'ä':
        case U'Ä':
        case U'ö':
        case U'Ö':
        case U'ü':
        case U'Ü':
        case U'æ':
        case U'Æ':
        case U'ø':
        case U'Ø':
        case U'œ':
        case U'Œ':
            return true;
        default:
            return false;
    }
}
bool is_sharp_s(char32_t c) {
    return c == U'ß' || c == U'ẞ';
}
bool is_thorn(char32_t c) {
    return c == U'þ' || c == U'Þ';
}
bool is_combining_mark(char32_t c) {
    return c >= 0x300 && c <= 0x36F;
}
constexpr char32_t combining_diaeresis = 0x308;

void append(std::string& word, char32_t c) {
    if (c < 0x80) {
        word += static_cast<char>(c);
    } else if (c < 0x800) {
        word += static_cast<char>(0xC0 | c >> 6);
        word += static_cast<char>(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        word += static_cast<char>(0xE0 | c >> 12);
        word += static_cast<char>(0x80 | (c >> 6 & 0x3F));
        word += static_cast<char>(0x80 | (c & 0x3F));
    } else {
        word += static_cast<char>(0xF0 | c >> 18);
        word += static_cast<char>(0x80 | (c >> 12 & 0x3F));
        word += static_cast<char>(0x80 | (c >> 6 & 0x3F));
        word += static_cast<char>(0x80 | (c & 0x3F));
    }
}

}  // namespace

std::vector<std::string> search_words(std::string_view text) {
    std::vector<std::string> words;
    std::string word;
    bool takes_an_e = false;  // the letter before is an a, o or u to which an e may still belong
    const auto end_word = [&] {
        if (!word.empty()) words.push_back(std::move(word));
        word.clear();
        takes_an_e = false;
    };
    while (!text.empty()) {
        const auto c = take_code_point(text);
        if (!c) {
            text.remove_prefix(1);
            end_word();
            continue;
        }
        if (is_combining_mark(*c)) {
            if (*c == combining_diaeresis) takes_an_e = false;
            continue;
        }
        const auto folded = fold(*c);
        if (folded == U'-') {
            end_word();
            continue;
        }
        if (folded == U'e' && std::exchange(takes_an_e, false)) continue;
        takes_an_e = !is_umlaut(*c) && (folded == U'a' || folded == U'o' || folded == U'u');
        append(word, folded);
        if (is_sharp_s(*c)) append(word, U's');
        if (is_thorn(*c)) append(word, U'h');
    }
    end_word();
    return words;
}

std::vector<std::string> search_words_of_code(std::string_view code) {
    auto words = search_words(code);
    if (words.size() < 2) return words;
    std::string joined;
    for (const auto& word : words)
        joined += word;
    words.push_back(std::move(joined));
    return words;
}

}  // namespace melder::keyserver
