package io.github.dl4jstepsize.rule;

import java.util.function.DoublePredicate;

/**
 * The Armijo condition and the backtracking search for a step that meets it:
 * <pre>
 *   decrease of the loss at step s  &gt;=  c * s * slope        slope = decrease per unit of s at s = 0
 *   tried at s, s * backtrack, s * backtrack^2, ...           maxTrials times at most
 * </pre>
 */
final class ArmijoSearch {

    /** What a search that found nothing leaves of the step. */
    private static final double CUT_OF_FAILURE = 0.5;
    /** Share of the initial step below which failures do not cut. */
    private static final double FLOOR_OF_FAILURE = 1e-4;
    /** Batches per epoch as long as nothing was counted. */
    private static final int FIRST_EPOCH = 100;

    private final double c;
    private final double backtrack;
    private final int maxTrials;

    ArmijoSearch(double c, double backtrack, int maxTrials) {
        this.c = c;
        this.backtrack = backtrack;
        this.maxTrials = maxTrials;
    }

    /** The Armijo condition; false if anything is NaN. */
    boolean isMet(double decrease, double step, double slope) {
        return decrease >= c * step * slope;
    }

    /** Shortens {@code step} until it is acceptable. */
    Result backtrack(double step, DoublePredicate acceptable) {
        double last = step;
        double next = step;
        for (int trial = 0; trial < maxTrials; trial++) {
            last = next;
            if (acceptable.test(last)) {
                return new Result(true, last, last);
            }
            next = last * backtrack;
        }
        return new Result(false, last, next);
    }

    /**
     * The step to go on with after a search that found nothing between {@code step} and
     * {@code step * backtrack^maxTrials}. That says more about the batch, or about rounding errors, than about the
     * length of the step. So the step is halved, and not below 1e-4 of the initial one, where the published codes
     * multiply it by backtrack^maxTrials: 2.7e-5 for SLS, a cut from which it recovers in fifteen epochs, and 2e-10 for SaLSa.
     */
    static double afterFailure(double step, double initialStep) {
        return Math.max(CUT_OF_FAILURE * step, Math.min(step, FLOOR_OF_FAILURE * initialStep));
    }

    /**
     * The factor by which a step grows from batch to batch if it is to grow by {@code growth} in an epoch.
     *
     * @param batchesPerEpoch 0 to take the number that was counted; 100 before there is one
     */
    static double growthPerBatch(double growth, int batchesPerEpoch, TrainingBatch batch) {
        int counted = batch.batchesPerEpoch() > 0 ? batch.batchesPerEpoch() : FIRST_EPOCH;
        return Math.pow(growth, 1.0 / (batchesPerEpoch > 0 ? batchesPerEpoch : counted));
    }

    /** How a search ended. */
    static final class Result {

        /** Whether a step was acceptable. */
        final boolean found;
        /** The acceptable step, or the last one that was tried. */
        final double step;
        /** The acceptable step, or the one that would have been tried next. */
        final double next;

        private Result(boolean found, double step, double next) {
            this.found = found;
            this.step = step;
            this.next = next;
        }
    }
}
