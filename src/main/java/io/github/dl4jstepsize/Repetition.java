package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.Scalars;

/**
 * Whether the epochs of a training are over the same data, in whatever order: whether at least half of the first examples come
 * again within one of the next epochs. Of data that are drawn or read anew for each epoch they do not.
 */
final class Repetition {

    /** Examples that are remembered. */
    private static final int REMEMBERED = 16;
    /** Epochs in which they are looked for: data sets may come in turns. */
    private static final int LOOKED_FOR = 4;
    /** Of numbers in double precision, made of the same example in batches that are made up otherwise. */
    private static final double ROUNDING = 1e-9;

    /** Those that have begun, one more than are looked at, at most. */
    private int epochs;
    /** A number for each remembered example. */
    private final double[] marks = new double[REMEMBERED];
    private int remembered;
    /** Which of them have come in this epoch, a bit for each. */
    private int seen;
    private boolean found;

    void epochBegins() {
        epochs = Math.min(epochs + 1, LOOKED_FOR + 2);
        seen = 0;
    }

    /** Called where the data have changed in the middle of an epoch: the next one is the first. */
    void forget() {
        epochs = 0;
        remembered = 0;
        found = false;
    }

    /** Whether the examples of this iteration's batch are to be looked at. */
    boolean isLooking() {
        return epochs == 1 ? remembered < REMEMBERED : !found && epochs > 1 && epochs <= LOOKED_FOR + 1;
    }

    /** @param examples a number for each example of a batch, by which it can be told from others */
    void look(double[] examples) {
        for (double example : examples) {
            if (epochs > 1) {
                find(example);
            } else if (remembered < REMEMBERED) {
                marks[remembered++] = example;
            }
        }
        found = seen != 0 && 2 * Integer.bitCount(seen) >= remembered;
    }

    private void find(double example) {
        for (int i = 0; i < remembered; i++) {
            if (Math.abs(example - marks[i]) <= ROUNDING * Math.abs(marks[i])) {
                seen |= 1 << i;
            }
        }
    }

    boolean isFound() {
        return found;
    }

    void state(Scalars scalars) {
        epochs = scalars.next(epochs);
        scalars.next(marks);
        remembered = scalars.next(remembered);
        seen = scalars.next(seen);
        found = scalars.next(found);
    }
}
