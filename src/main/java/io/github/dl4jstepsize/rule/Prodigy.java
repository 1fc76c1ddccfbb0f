package io.github.dl4jstepsize.rule;

/**
 * Prodigy: Adam whose learning rate is an estimate d of the largest distance between a parameter and its place in the
 * solution. The estimate grows with the evidence, which is how much of the way back to the start the gradients point.
 * <pre>
 *   k = 1, or with biasCorrection sqrt(1 - beta2^t) / (1 - beta1^t)
 *   rate = d k decay
 *   n = beta3 n + d/d0 rate g.(x_0 - x)            beta3 = sqrt(beta2)
 *   s = beta3 s + d/d0 rate g                      with safeguardWarmup d in place of rate
 *   m = beta1 m + (1 - beta1) d g
 *   v = beta2 v + (1 - beta2) d^2 g^2
 *   estimate = coefficient n / |s|_1
 *   d = max(d, estimate), but at most growth d; the first estimate is not bounded
 *   parameters -= rate m / (sqrt(v) + d epsilon)   with the new d and the rate of the old one
 * </pre>
 * For a convex loss d never passes the distance it estimates. What growth has cut off is not lost: d catches up with the
 * largest estimate so far. Only a larger one counts: |s|_1, which costs two passes, is not summed up where a lower bound of it,
 * beta3 |s|_1 - |d/d0 rate| sqrt(number of parameters) |g|_2, tells that the estimate is smaller.
 * <p>
 * No extra pass. Four memory vectors, for m, v, s and x_0.
 * <p>
 * Source: K. Mishchenko, A. Defazio, "Prodigy: an expeditiously adaptive parameter-free learner", 2023, algorithm for
 * Adam, in the order of the official code. The decay is that code's learning rate. Departures from the code: a
 * WeightDecay is part of the gradient, as with the code's decouple=False; where s is 0, m and v do not decay; a gradient
 * whose square is infinite is left out.
 */
public final class Prodigy implements StepRule {

    /** The settings of {@link Prodigy}; all fields as the updater's properties of the same names. */
    public static final class Settings {
        /** Decay of the first moment. */
        public double beta1;
        /** Decay of the second moment. */
        public double beta2;
        public double epsilon;
        /** d0. */
        public double initialDistance;
        public double coefficient;
        /** Largest factor between two estimates that follow each other. */
        public double growth;
        public boolean biasCorrection;
        public boolean safeguardWarmup;
    }

    /** s is multiplied as a whole when its factor has fallen below this: every 1,386 iterations, with beta3 0.9995. */
    private static final double SMALLEST_FACTOR = 0.5;
    /** How much smaller than the largest an estimate has to be: inner products in single precision have rounding errors. */
    private static final double SMALLER = 0.99;

    private final Settings settings;
    private final double beta3;

    private int steps;
    /** d. */
    private double distance;
    private double largestEstimate;
    /** n. */
    private double numerator;
    /** What the vector that is kept has to be multiplied with to be s. */
    private double sumFactor = 1;
    /** A lower bound of |s|_1; not above 0 where none is known. */
    private double smallestNorm;

    /** @param settings validated by the caller and not changed afterwards */
    public Prodigy(Settings settings) {
        this.settings = settings;
        this.beta3 = Math.sqrt(settings.beta2);
        this.distance = settings.initialDistance;
        this.largestEstimate = settings.initialDistance;
    }

    @Override
    public boolean looksAhead() {
        return false;
    }

    /** The estimate has to know the weights with which the gradients moved the parameters. */
    @Override
    public boolean decaysByItself() {
        return true;
    }

    @Override
    public Step step(TrainingBatch batch) {
        Vector direction = batch.direction();
        double square = direction.dot(direction);
        if (!Double.isFinite(square)) {
            return Step.chosen(0, distance, Outcome.NOT_FINITE);
        }
        Vector first = batch.memory(0);
        Vector second = batch.memory(1);
        Vector sum = batch.memory(2);
        Vector start = batch.memory(3);
        if (steps == 0) {
            start.assign(batch.parameters());
        }
        double rate = distance * batch.decay() * batch.share() * biasCorrection();
        double weight = distance / settings.initialDistance;

        numerator = beta3 * numerator + weight * rate * direction.dotDifference(start, batch.parameters());
        decay(sum);
        double weightOfThis = weight * (settings.safeguardWarmup ? distance : rate);
        sum.add(weightOfThis / sumFactor, direction);
        // Where squares are too small for single precision nothing is known.
        smallestNorm = square == 0 ? 0 : beta3 * smallestNorm - weightOfThis * Math.sqrt(direction.length() * square);
        boolean isSmaller = smallestNorm > 0
                && settings.coefficient * numerator < SMALLER * largestEstimate * smallestNorm;
        if (!isSmaller) {
            smallestNorm = sumFactor * sum.norm1();
            if (smallestNorm == 0) {
                return Step.chosen(0, distance, Outcome.NO_DESCENT);
            }
        }
        steps++;
        direction.scale(distance);
        estimate(isSmaller ? 0 : settings.coefficient * numerator / smallestNorm);
        direction.adam(first, second, settings.beta1, settings.beta2, distance * settings.epsilon);
        return Step.chosen(rate, distance, Outcome.ESTIMATED);
    }

    /** Multiplies s with beta3, mostly without a pass over it. */
    private void decay(Vector sum) {
        sumFactor *= beta3;
        if (sumFactor < SMALLEST_FACTOR) {
            sum.scale(sumFactor);
            sumFactor = 1;
        }
    }

    private double biasCorrection() {
        int t = steps + 1;
        return settings.biasCorrection
                ? Math.sqrt(1 - Math.pow(settings.beta2, t)) / (1 - Math.pow(settings.beta1, t)) : 1;
    }

    /** @param estimate of those that are smaller than the largest one, 0 will do */
    private void estimate(double estimate) {
        if (distance == settings.initialDistance) {
            distance = Math.max(distance, estimate);
        }
        largestEstimate = Math.max(largestEstimate, estimate);
        distance = Math.min(largestEstimate, settings.growth * distance);
    }

    @Override
    public void state(Scalars scalars) {
        steps = scalars.next(steps);
        distance = scalars.next(distance);
        largestEstimate = scalars.next(largestEstimate);
        numerator = scalars.next(numerator);
        sumFactor = scalars.next(sumFactor);
        smallestNorm = scalars.next(smallestNorm);
    }

    @Override
    public int memoryVectors() {
        return 4;
    }
}
