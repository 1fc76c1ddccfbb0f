package io.github.dl4jstepsize.rule;

/**
 * FAN, a step that follows from the network's shape: every weight moves by a fixed part of the size that weights of its
 * layer have, which 1/sqrt(fan_in) tells.
 * <pre>
 *   d = m_hat / (sqrt(v_hat) + epsilon)                      Adam's direction, made by the base updater
 *   parameters -= min(1, t/warmUp) r d / sqrt(3 fan_in)      biases and gains: fan_in of the weights before them
 * </pre>
 * Measures nothing; no extra pass, and one vector for the scale of the weights beside Adam's two.
 * <p>
 * Source: this project's measurements, see "FAN" in zoo-examples/experiments. The scale is the standard deviation of
 * weights drawn uniformly from [-1/sqrt(fan_in), 1/sqrt(fan_in)] (Y. LeCun et al., "Efficient BackProp", 1998). There is
 * no convergence theory: a constant r needs a decay or an average towards the end.
 */
public final class Fan implements StepRule {

    private final double step;
    private final int warmUp;

    private int steps;

    /**
     * @param step   r
     * @param warmUp iterations until the step has its full length; 1 for none
     */
    public Fan(double step, int warmUp) {
        this.step = step;
        this.warmUp = warmUp;
    }

    @Override
    public Step step(TrainingBatch batch) {
        steps++;
        batch.direction().multiply(batch.weightScale());
        double rate = step * Math.min(1, steps / (double) warmUp);
        return Step.chosen(rate, rate, Outcome.CONSTANT);
    }

    @Override
    public boolean looksAhead() {
        return false;
    }

    @Override
    public void state(Scalars scalars) {
        steps = scalars.next(steps);
    }
}
