package io.github.dl4jstepsize.rule;

import java.util.function.Supplier;

/**
 * MoMo, momentum models: the step that takes an averaged linear model of the loss to a lower bound of the loss, but not
 * more than a maximum.
 * <pre>
 *   d = average of the gradients g
 *   F = average of the losses
 *   h = F + d.x - average of g.x                     the model's value at the parameters x
 *   u = d                                            MoMo
 *       d_hat / (sqrt(v_hat) + epsilon)              MoMo-Adam
 *   eta = min(maxStep, max(0, h - rho lowerBound) / d.u)
 *   parameters -= eta u
 * </pre>
 * All averages have the weights beta1 and 1 - beta1. Those of MoMo start at the first batch, and rho = 1; those of
 * MoMo-Adam start at 0, and rho = 1 - beta1^t. In the paper's terms eta is tau for MoMo and rho tau for MoMo-Adam, whose
 * largest step thus is that of an Adam with the learning rate maxStep.
 * <p>
 * No extra pass. One memory vector for MoMo, the two of Adam for MoMo-Adam. The loss must not be below its lower bound.
 * Where d.u is not positive: no step; by the formulas it is only at a vanishing gradient, but a weight decay that DL4J
 * adds to the direction can make it so.
 * <p>
 * Source: F. Schaipp, R. Ohana, M. Eickenberg, A. Defazio, R. M. Gower, "MoMo: Momentum models for adaptive learning
 * rates", 2023, algorithms 2 and 3. Departures from the published code:
 * <ul>
 *   <li>The difference h - F needs no inner products with x. By the definitions, the new one is beta1 times what the old
 *       one was after the step, and the step has changed it by -eta d.u. This is the same number with smaller rounding
 *       errors, except where something else moves the parameters, such as a constraint.</li>
 *   <li>DL4J's WeightDecay is part of u, in place of the code's proximal step.</li>
 *   <li>The lower bound is not estimated (the code's use_fstar).</li>
 * </ul>
 */
public final class Momo implements StepRule {

    /** The settings of {@link Momo}; fields as the updater's properties of the same names, but for what is said otherwise. */
    public static final class Settings {
        /**
         * MoMo-Adam: the base updater makes the direction, and batch.gradient() is d. Otherwise MoMo: the direction is the
         * averaged gradient, and the base updater leaves the gradient as it is.
         */
        public boolean adam;
        public double maxStep;
        public double beta1;
        public double lowerBound;
    }

    private final Settings settings;

    private int steps;
    private double averageLoss;
    /** h - F, as it is after the last step. */
    private double excess;

    /** @param settings validated by the caller and not changed afterwards */
    public Momo(Settings settings) {
        this.settings = settings;
    }

    @Override
    public void requireLoss(double loss, Supplier<String> lossFunction) {
        if (MeanLoss.isBelow(loss, settings.lowerBound)) {
            throw new IllegalStateException("the loss is " + loss + " (" + lossFunction.get() + "), but MoMo was told that"
                    + " it is never below " + settings.lowerBound + ": set lowerBound to what the loss cannot fall below, or"
                    + " use an updater that takes any loss, e.g. ProdigyUpdater or LabPalUpdater");
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
        steps++;
        boolean adam = settings.adam;
        double weight = adam || steps > 1 ? 1 - settings.beta1 : 1;
        double rho = adam ? 1 - Math.pow(settings.beta1, steps) : 1;
        Vector direction = batch.direction();
        Vector average = batch.gradient();
        if (!adam) {
            direction.scale(weight);
            direction.add(1 - weight, batch.memory(0));
            batch.memory(0).assign(direction);
            average = direction;
        }
        averageLoss += weight * (batch.loss() - averageLoss);
        excess *= settings.beta1;
        double product = average.dot(direction);
        if (!Double.isFinite(product)) {
            return Step.chosen(0, 0, Outcome.NOT_FINITE);
        }
        if (product <= 0) {
            return Step.chosen(0, 0, Outcome.NO_DESCENT);
        }
        double toTheBound = Math.max(0, averageLoss + excess - rho * settings.lowerBound) / product;
        double rate = Math.min(settings.maxStep, toTheBound);
        excess -= batch.decay() * batch.share() * rate * product;
        return Step.chosen(rate, rate, rate < toTheBound ? Outcome.MAXIMUM_STEP : Outcome.LINEARIZED);
    }

    @Override
    public void state(Scalars scalars) {
        steps = scalars.next(steps);
        averageLoss = scalars.next(averageLoss);
        excess = scalars.next(excess);
    }

    @Override
    public int memoryVectors() {
        return settings.adam ? 0 : 1;
    }
}
