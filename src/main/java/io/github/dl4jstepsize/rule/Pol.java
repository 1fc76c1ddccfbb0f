package io.github.dl4jstepsize.rule;

/**
 * POL, an averaged stochastic Polyak step along Adam's direction: as long as the loss is large against the squared
 * gradient, steps are long.
 * <pre>
 *   d   = p m_hat,   p = 1 / (sqrt(v_hat) + epsilon)         PLAIN
 *                    p = s / (sqrt(v_hat) + epsilon) / sqrt(3 n)           SCALED, s and n as in {@link Fan}
 *   S   = sum p g^2                                          g of this batch, its noise included
 *   eta = c mean(loss) / mean(S)                             running means over 1/(1 - decay) iterations
 *   eta = min(1, t/warmUp) min(max(eta, minStep), maxStep)
 *   parameters -= eta d
 * </pre>
 * The noise in S keeps the step finite near a loss of zero, where Polyak's |mean g|^2 does not. Where the smallest
 * attainable loss is far above zero (label noise), the rule by itself makes steps that are far too long: only the bounds
 * help, which have a meaning across networks for SCALED, where they are parts of a weight's natural size. Unlike FAN's step
 * they are the same for small batches.
 * <p>
 * No extra pass. S is measured in every iteration of the warm-up and in every tenth after it, which costs a copy of the
 * gradient; one vector for that, and one for the scale of the weights, beside Adam's two. The loss should not be
 * negative: where it is, the step is minStep.
 * <p>
 * Source: this project's measurements, zoo-examples/experiments/22-defaults.txt; the stochastic Polyak step is by N. Loizou
 * et al., "Stochastic Polyak step-size for SGD", 2021. There is no convergence theory for the averages.
 */
public final class Pol implements StepRule {

    /** The settings of {@link Pol}; all fields as the updater's properties of the same names. */
    public static final class Settings {
        /** c. */
        public double fraction;
        /** Whether each tensor's step is in proportion to the size of its weights. */
        public boolean scaled;
        public double minStep;
        public double maxStep;
        /** In iterations. */
        public int warmUp;
        /** Of both means, per iteration. */
        public double decay;
        /** Of the base updater's squared gradients, to correct their bias. */
        public double beta2;
        /** Of the base updater. */
        public double epsilon;
    }

    /** Iterations from one measurement of S to the next. */
    private static final int MEASURE_EVERY = 10;

    private final Settings settings;

    private int steps;
    private final MeanLoss meanLoss;
    /** Running mean, and the weight that it has already, for the correction of its bias. */
    private double meanSquare;
    private double squareWeight;

    /** @param settings validated by the caller and not changed afterwards */
    public Pol(Settings settings) {
        this.settings = settings;
        this.meanLoss = new MeanLoss(settings.decay);
    }

    @Override
    public boolean looksAhead() {
        return false;
    }

    @Override
    public boolean needsGradient() {
        return steps < settings.warmUp || steps % MEASURE_EVERY == 0;
    }

    /** S is the slope along p g. */
    @Override
    public boolean readsSlope() {
        return true;
    }

    @Override
    public Step step(TrainingBatch batch) {
        if (settings.scaled && steps == 0) {
            batch.weightScale(batch.memory(0));
        }
        if (needsGradient()) {
            double square = square(batch);
            if (!Double.isFinite(square)) {
                return Step.chosen(0, Double.NaN, Outcome.NOT_FINITE);
            }
            double decay = steps < settings.warmUp ? settings.decay : Math.pow(settings.decay, MEASURE_EVERY);
            meanSquare = decay * meanSquare + (1 - decay) * square;
            squareWeight = decay * squareWeight + (1 - decay);
        }
        steps++;
        meanLoss.add(batch.loss());
        if (settings.scaled) {
            batch.direction().multiply(batch.memory(0));
        }
        double polyak = settings.fraction * meanLoss.value() / (meanSquare / squareWeight);
        // Not a number where loss and gradient are both 0.
        double bounded = polyak < settings.maxStep ? Math.max(polyak, settings.minStep) : settings.maxStep;
        double rate = bounded * Math.min(1, steps / (double) settings.warmUp);
        return Step.chosen(rate, bounded, bounded == polyak ? Outcome.LINEARIZED : Outcome.BOUNDED);
    }

    private double square(TrainingBatch batch) {
        // p = k / (sqrt(v) + k epsilon) with k^2 = 1 - beta2^t, the correction of v's bias.
        double root = Math.sqrt(1 - Math.pow(settings.beta2, steps + 1));
        Vector terms = batch.gradient();
        terms.multiply(terms);
        terms.divideByRoot(batch.squaredGradient(), root * settings.epsilon);
        if (settings.scaled) {
            terms.multiply(batch.memory(0));
        }
        // None of them is negative.
        return root * terms.norm1();
    }

    /** The scale of the weights. */
    @Override
    public int memoryVectors() {
        return settings.scaled ? 1 : 0;
    }

    @Override
    public void state(Scalars scalars) {
        steps = scalars.next(steps);
        meanLoss.state(scalars);
        meanSquare = scalars.next(meanSquare);
        squareWeight = scalars.next(squareWeight);
    }
}
