/* ptb_classes.h -- what the Penn Treebank tokeniser takes each character for. */
#ifndef FIRE_METRIC_PTB_CLASSES_H
#define FIRE_METRIC_PTB_CLASSES_H

#include <stdint.h>

enum ptb_class {
    PTB_UNKNOWN, /* dropped; separates words */
    PTB_SPACE,
    PTB_NEWLINE,
    PTB_LETTER, /* letters of Unicode 4 */
    PTB_MARK,   /* combining marks and others that continue a word, but not a hyphenated one */
    PTB_DIGIT,
    PTB_SYMBOL, /* a token by itself unless a rule says otherwise */
};

enum ptb_class ptb_classify(uint32_t c);

#endif
