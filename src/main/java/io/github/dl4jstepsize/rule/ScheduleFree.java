package io.github.dl4jstepsize.rule;

import java.util.function.IntFunction;

/**
 * Schedule-free averaging of FAN's steps: the gradient is taken near the average of the iterates, so that the average is as
 * good at any time as the end of a training whose length was known.
 * <pre>
 *   d = g / (sqrt(v_hat) + epsilon) / sqrt(3 n) + k y        g, v_hat at y; n and the weight decay k as in {@link Fan}
 *   q = 16 L / sum(sqrt(v_hat) / sqrt(3 n))                  L: mean loss, with the decay of v
 *   w = min(1, t/warmUp)^2 sqrt(t) / L^2     c = w / (sum of w)
 *   e = min(1, 4 decay)                  1, but in the last quarter of a training whose length is known
 *   z = z - min(r, q) min(1, t/warmUp) e d                   the iterates
 *   x = x + c (z - x)                    their average
 *   y = x + (1 - beta) e (z - x)         the network's parameters: near the average, and there in the end
 * </pre>
 * There is no momentum: beta takes its place. x is not stored, it follows from y and z.
 * <p>
 * q is a Polyak step, L/(g.d), with means in the place of one batch's loss and gradient, and is 16 times as long: where
 * examples contradict each other the loss stays far above 0 and q above r. Where they do not, steps get shorter as the loss
 * falls, and the average forgets the iterates of larger losses, so that the training converges. It is measured in every
 * 50th iteration. A loss that has been negative is not measured from 0: from then on q and L have no part.
 * <p>
 * No extra pass; two memory vectors, for the scale of the weights and for z, and that of v: one more than Adam in all.
 * <p>
 * Source: A. Defazio et al., "The road less scheduled", 2024, equations 1 to 4 and the AdamW version in Algorithm 1. The
 * weights are those of the published code, with the power 1/2 of t where 0 is its default
 * (zoo-examples/experiments/10-schedule-free.txt). Departures: FAN's scale and weight decay; q and the loss in the weights
 * (zoo-examples/experiments/11-loss-towards-zero.txt; the stochastic Polyak step is by N. Loizou et al., "Stochastic Polyak
 * step-size for SGD", 2021); and the end e, without which the parameters would stop at a distance (1 - beta)|z - x| from the
 * average. The weights do not follow it, so that the last, shortest steps count. The paper's bounds are for convex losses.
 */
public final class ScheduleFree implements StepRule {

    /** One over the part of a training in which its steps decay. */
    static final double END = 4;
    /** Polyak steps in q; see zoo-examples/experiments/11-loss-towards-zero.txt. */
    static final double FRACTION = 16;
    /** Iterations from one measurement of q's denominator to the next. */
    static final int MEASURE_EVERY = 50;
    /** Mean losses below it are as good as 0; far from an overflow of their reciprocal squares. */
    private static final double NEGLIGIBLE = 1e-30;

    private final Fan fan;
    private final double step;
    private final double beta;
    private final double beta2;

    /** Running mean of the losses, before the correction of its bias. */
    private double loss;
    private boolean negative;
    /** The denominator of q, from the last measurement. */
    private double roots;
    /** With and without the loss in them. */
    private double sumOfWeights;
    private double sumByTime;
    /** (1 - beta) e of the last iteration: the part of y that is z. */
    private double part;

    /**
     * @param step        r
     * @param beta        greater than 0 and less than 1
     * @param beta2       decay of the base updater's squared gradients
     * @param warmUp      iterations until the step has its full length; 1 for none
     * @param weightDecay per complete epoch; 0 for none
     */
    public ScheduleFree(double step, double beta, double beta2, int warmUp, double weightDecay) {
        this.fan = new Fan(step, warmUp, weightDecay);
        this.step = step;
        this.beta = beta;
        this.beta2 = beta2;
    }

    @Override
    public Step step(TrainingBatch batch) {
        Vector z = batch.memory(1);
        Vector direction = batch.direction();
        if (fan.steps() == 0) {
            z.assign(batch.parameters());
        }
        fan.direct(batch);
        double unbiased = 1 - Math.pow(beta2, fan.steps());
        loss = beta2 * loss + (1 - beta2) * batch.loss();
        negative |= batch.loss() < 0;
        double meanLoss = loss / unbiased;

        if (fan.steps() % MEASURE_EVERY == 1) {
            roots = batch.memory(0).dotRoot(batch.squaredGradient()) / Math.sqrt(unbiased);
        }
        double polyak = FRACTION * meanLoss / roots;
        // Not a number where all losses and gradients were 0.
        boolean bounded = polyak < step && !negative;
        double end = Math.min(1, END * batch.decay());
        double rate = (bounded ? polyak : step) * fan.warmedUp() * end * batch.share();
        double c = weight(meanLoss);
        double nextPart = (1 - beta) * end;

        // With x = (y - part z)/(1 - part), the next y is a y - a part z + (1 - a (1 - part)) z'.
        double a = (1 - nextPart) * (1 - c) / (1 - part);
        z.add(-rate, direction);
        direction.scale(a * part * rate);
        direction.add(1 - a, batch.parameters());
        direction.add(a - 1, z);
        part = nextPart;
        return Step.chosen(rate, rate, bounded ? Outcome.LINEARIZED : Outcome.CONSTANT).moving(1);
    }

    /** c, the part of the average that the new iterate is. */
    private double weight(double meanLoss) {
        double byTime = fan.warmedUp() * fan.warmedUp() * Math.sqrt(fan.steps());
        double lossInWeight = Math.max(meanLoss, NEGLIGIBLE);
        double weight = byTime / (lossInWeight * lossInWeight);
        sumByTime += byTime;
        sumOfWeights += weight;
        return negative ? byTime / sumByTime : weight / sumOfWeights;
    }

    @Override
    public boolean looksAhead() {
        return false;
    }

    @Override
    public boolean decaysByItself() {
        return true;
    }

    @Override
    public boolean averages() {
        return true;
    }

    @Override
    public void average(Vector parameters, IntFunction<Vector> memory) {
        parameters.scale(1 / (1 - part));
        parameters.add(-part / (1 - part), memory.apply(1));
    }

    /** The scale of the weights, and z. */
    @Override
    public int memoryVectors() {
        return 2;
    }

    @Override
    public void state(Scalars scalars) {
        fan.state(scalars);
        loss = scalars.next(loss);
        negative = scalars.next(negative);
        roots = scalars.next(roots);
        sumByTime = scalars.next(sumByTime);
        sumOfWeights = scalars.next(sumOfWeights);
        part = scalars.next(part);
    }
}
