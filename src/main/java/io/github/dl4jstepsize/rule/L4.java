package io.github.dl4jstepsize.rule;

import java.util.function.Supplier;

/**
 * L4, linearized loss-based optimal learning rate: the step that would take the linearised loss a fixed fraction of the
 * way down to the smallest loss that seems attainable.
 * <pre>
 *   g = average of the gradients over 1/(1 - beta) steps, bias-corrected
 *   v = g                               L4Mom
 *       g / (sqrt(mean g^2) + 1e-4)     L4Adam, bias-corrected
 *   L_min = min(L_min, L),  at first init factor * L
 *   eta = alpha (L - gamma L_min) / (g.v + epsilon)
 *   parameters -= eta v
 *   L_min = (1 + 1/tau) L_min           forgetting
 * </pre>
 * No extra pass. One memory vector for L4Mom, the two of Adam for L4Adam. The loss must not be negative. Where g.v is:
 * no step, as the paper's section 2.4 requires g.v &gt;= 0; by the formulas it never is, but a weight decay that DL4J
 * adds to the direction can make it so.
 * <p>
 * Source: M. Rolinek, G. Martius, "L4: Practical loss-based stepsize adaptation for deep learning", 2018, sections 2.2
 * to 2.5; as the published code. A loss that is negative by a rounding error counts as 0.
 */
public final class L4 implements StepRule {

    /** The settings of {@link L4}; fields as the updater's properties of the same names, but for what is said otherwise. */
    public static final class Settings {
        /**
         * L4Adam: the base updater makes the direction v, and batch.gradient() is its average before the bias correction.
         * Otherwise L4Mom: v is the averaged gradient, and the base updater leaves the gradient as it is.
         */
        public boolean adam;
        /** alpha. */
        public double fraction;
        /** gamma. */
        public double minLossFactor;
        /** First L_min by the first loss. */
        public double initFactor;
        /** tau, in steps. */
        public double forgetTime;
        public double epsilon;
        /** 1/(1 - beta), in steps. */
        public double gradientTimescale;
    }

    private final Settings settings;
    private final double beta;

    private int steps;
    private double minLoss;

    /** @param settings validated by the caller and not changed afterwards */
    public L4(Settings settings) {
        this.settings = settings;
        this.beta = 1 - 1 / settings.gradientTimescale;
    }

    @Override
    public void requireLoss(double loss, Supplier<String> lossFunction) {
        if (MeanLoss.isBelow(loss, 0)) {
            throw new IllegalStateException("the loss is " + loss + " (" + lossFunction.get() + "), but L4 needs a loss that is"
                    + " never negative: it measures how far the loss is above the smallest attainable one. Add a constant"
                    + " to the loss function, or use an updater that takes any loss, e.g. PalUpdater or LabPalUpdater");
        }
    }

    @Override
    public boolean looksAhead() {
        return false;
    }

    @Override
    public boolean readsSlope() {
        return true;
    }

    @Override
    public Step step(TrainingBatch batch) {
        double loss = Math.max(0, batch.loss());
        steps++;
        double unbiased = 1 - Math.pow(beta, steps);

        // The average of the gradients is weight * average.
        Vector direction = batch.direction();
        Vector average;
        double weight;
        double factor;
        if (!settings.adam) {
            direction.add(beta, batch.memory(0));
            batch.memory(0).assign(direction);
            average = direction;
            weight = (1 - beta) / unbiased;
            factor = weight;
        } else {
            average = batch.gradient();
            weight = 1 / unbiased;
            factor = 1;
        }
        double product = factor * weight * average.dot(direction);

        minLoss = steps == 1 ? settings.initFactor * loss : Math.min(minLoss, loss);
        double rate = settings.fraction * (loss - settings.minLossFactor * minLoss) / (product + settings.epsilon);
        minLoss *= 1 + 1 / settings.forgetTime;
        if (!Double.isFinite(rate)) {
            return Step.chosen(0, 0, Outcome.NOT_FINITE);
        }
        if (product < 0) {
            return Step.chosen(0, 0, Outcome.NO_DESCENT);
        }
        return Step.chosen(rate, rate, Outcome.LINEARIZED).moving(factor * rate);
    }

    @Override
    public void state(Scalars scalars) {
        steps = scalars.next(steps);
        minLoss = scalars.next(minLoss);
    }

    @Override
    public int memoryVectors() {
        return settings.adam ? 0 : 1;
    }
}
