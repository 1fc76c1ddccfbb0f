package io.github.dl4jstepsize.rule;

import java.util.function.IntFunction;

/**
 * Schedule-free averaging of FAN's steps: the gradient is taken near the average of the iterates, so that the average is as
 * good at any time as the end of a training whose length was known.
 * <pre>
 *   d = g / (sqrt(v_hat) + epsilon) / sqrt(3 n) + k y        g, v_hat at y; n and the weight decay k as in {@link Fan}
 *   w = min(1, t/warmUp)^2 sqrt(t)       c = w / (sum of w)
 *   e = min(1, 4 decay)                  1, but in the last quarter of a training whose length is known
 *   z = z - r min(1, t/warmUp) e d       the iterates
 *   x = x + c (z - x)                    their average
 *   y = x + (1 - beta) e (z - x)         the network's parameters: near the average, and there in the end
 * </pre>
 * There is no momentum: beta takes its place. x is not stored, it follows from y and z.
 * <p>
 * No extra pass; two memory vectors, for the scale of the weights and for z, and that of v: one more than Adam in all.
 * <p>
 * Source: A. Defazio et al., "The road less scheduled", 2024, equations 1 to 4 and the AdamW version in Algorithm 1. The
 * weights are those of the published code, with the power 1/2 of t where 0 is its default
 * (zoo-examples/experiments/10-schedule-free.txt). Departures: FAN's scale and weight decay; and the end e, without which the
 * parameters would stop at a distance (1 - beta)|z - x| from the average. The weights do not follow it, so that the last,
 * shortest steps count. The paper's bounds are for convex losses.
 */
public final class ScheduleFree implements StepRule {

    /** One over the part of a training in which its steps decay. */
    static final double END = 4;

    private final Fan fan;
    private final double step;
    private final double beta;

    private double sumOfWeights;
    /** (1 - beta) e of the last iteration: the part of y that is z. */
    private double part;

    /**
     * @param step        r
     * @param beta        greater than 0 and less than 1
     * @param warmUp      iterations until the step has its full length; 1 for none
     * @param weightDecay per complete epoch; 0 for none
     */
    public ScheduleFree(double step, double beta, int warmUp, double weightDecay) {
        this.fan = new Fan(step, warmUp, weightDecay);
        this.step = step;
        this.beta = beta;
    }

    @Override
    public Step step(TrainingBatch batch) {
        Vector z = batch.memory(1);
        Vector direction = batch.direction();
        if (sumOfWeights == 0) {
            z.assign(batch.parameters());
        }
        fan.direct(batch);
        double weight = fan.warmedUp() * fan.warmedUp() * Math.sqrt(fan.steps());
        sumOfWeights += weight;
        double c = weight / sumOfWeights;
        double end = Math.min(1, END * batch.decay());
        double rate = step * fan.warmedUp() * end * batch.share();
        double nextPart = (1 - beta) * end;

        // With x = (y - part z)/(1 - part), the next y is a y - a part z + (1 - a (1 - part)) z'.
        double a = (1 - nextPart) * (1 - c) / (1 - part);
        z.add(-rate, direction);
        direction.scale(a * part * rate);
        direction.add(1 - a, batch.parameters());
        direction.add(a - 1, z);
        part = nextPart;
        return Step.chosen(rate, rate, Outcome.CONSTANT).moving(1);
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
        sumOfWeights = scalars.next(sumOfWeights);
        part = scalars.next(part);
    }
}
