package io.github.dl4jstepsize.rule;

/** The running mean L of a training's losses, and how far it has fallen below its largest. */
final class MeanLoss {

    /** Beyond which a sum of a few terms of size 1 in single precision does not fall below its smallest value. */
    private static final double SINGLE_PRECISION = 1e-5;
    /** Losses whose smallest value is 0 may be a rounding error below it: by this part of the largest mean, at most. */
    private static final double ROUNDING = 0.01;
    /** Largest fall. The sum of any number of its squares then fits single precision, in which states are saved. */
    private static final double LARGEST_FALL = 1e12;

    private final double decay;

    private int count;
    /** Before the correction of its bias. */
    private double mean;
    private double largest;
    /** Whether a loss has been. */
    private boolean negative;

    /** @param decay of the past, at least 0 and less than 1 */
    MeanLoss(double decay) {
        this.decay = decay;
    }

    /** Whether a loss is below a bound, and not by rounding errors. */
    static boolean isBelow(double loss, double bound) {
        return loss < bound - SINGLE_PRECISION * Math.max(1, Math.abs(bound));
    }

    void add(double loss) {
        count++;
        mean = decay * mean + (1 - decay) * loss;
        double unbiased = unbiased();
        negative |= Math.min(loss, unbiased) < -ROUNDING * largest;
        largest = Math.max(largest, unbiased);
    }

    /** max(L); NaN if a loss has been negative, so that 0 is nothing special. */
    double largest() {
        return negative ? Double.NaN : largest;
    }

    /** L, at least 0. */
    double value() {
        return Math.max(unbiased(), 0);
    }

    private double unbiased() {
        return mean / (1 - Math.pow(decay, count));
    }

    /** How many times L is below a part of its largest; 1 where it is not. */
    double fallBelow(double partOfLargest) {
        double bound = partOfLargest * largest;
        return negative || value() >= bound ? 1 : Math.min(bound / value(), LARGEST_FALL);
    }

    void state(Scalars scalars) {
        count = scalars.next(count);
        mean = scalars.next(mean);
        largest = scalars.next(largest);
        negative = scalars.next(negative);
    }
}
