package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.Scalars;

/**
 * Whether the epochs of a training are over the same data, in whatever order: whether the first two agree in the sum of the
 * absolute values of all inputs. Of data that are drawn, cut or read anew for each epoch they do not.
 */
final class Repetition {

    /** Sums in single precision agree to so much if batches are made up otherwise; those of other data hardly ever do. */
    private static final double ROUNDING = 1e-4;
    /** Epochs that are compared. */
    private static final int COMPARED = 2;

    /** Those that have begun, one more than are compared at most. */
    private int epochs;
    private final double[] sums = new double[COMPARED];

    void epochBegins() {
        epochs = Math.min(epochs + 1, COMPARED + 1);
    }

    /** Called where the data have changed in the middle of an epoch: the next one is the first. */
    void forget() {
        epochs = 0;
        sums[0] = 0;
        sums[1] = 0;
    }

    /** Whether this epoch's inputs are still to be summed up. */
    boolean isMeasuring() {
        return epochs == 1 || epochs == COMPARED;
    }

    void add(double sumOfBatch) {
        sums[epochs - 1] += sumOfBatch;
    }

    boolean isFound() {
        return epochs > COMPARED && Math.abs(sums[1] - sums[0]) <= ROUNDING * sums[0];
    }

    void state(Scalars scalars) {
        epochs = scalars.next(epochs);
        scalars.next(sums);
    }
}
