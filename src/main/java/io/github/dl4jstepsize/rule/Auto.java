package io.github.dl4jstepsize.rule;

import java.util.function.IntFunction;

/**
 * The first choice: {@link ScheduleFree}, whose average is good at any time. Only where the steps are going to decay, epochs
 * have one batch, so that no noise is in the gradients, and the mean loss has fallen to a hundredth of its largest,
 * {@link Fan} with momentum takes over, for good: with steps that end at 0 the parameters themselves reach the last digits,
 * which no average does.
 * <p>
 * Epochs are counted as in {@link Fan}: in a loop of {@code fit(DataSet)} nobody does, and FAN never takes over.
 * <p>
 * Three extra passes in the first iteration; two memory vectors. The momentum averages preconditioned
 * gradients, where Adam preconditions averaged ones, so that both have the same base updater (L. Ziyin et al., "LaProp:
 * separating momentum and adaptivity in Adam", 2020).
 * <p>
 * Source: this project's measurements, zoo-examples/experiments/12-known-length.txt and 13-size-of-targets.txt.
 */
public final class Auto implements StepRule {

    private final ScheduleFree free;
    private final Fan decaying;

    private boolean tookOver;

    /**
     * @param step        r of both
     * @param beta1       beta of ScheduleFree, and the momentum of FAN
     * @param beta2       decay of the base updater's squared gradients
     * @param warmUp      iterations until the step has its full length, at most, before FAN takes over; 1 for none
     * @param weightDecay per complete epoch; 0 for none
     */
    public Auto(double step, double beta1, double beta2, int warmUp, double weightDecay) {
        free = new ScheduleFree(step, beta1, beta2, warmUp, weightDecay);
        decaying = new Fan(step, warmUp, weightDecay, beta1, beta2);
    }

    @Override
    public boolean beginsAnew(double loss, int batchesPerEpoch, int timesBefore) {
        return free.beginsAnew(loss, batchesPerEpoch, timesBefore);
    }

    @Override
    public boolean asksForIgnorance(int examples) {
        return free.asksForIgnorance(examples);
    }

    @Override
    public Step step(TrainingBatch batch) {
        if (!tookOver && batch.decays() && batch.batchesPerEpoch() == 1 && free.fell()) {
            tookOver = true;
            // ScheduleFree's iterates make room for FAN's momentum; the scale of the weights stays.
            batch.memory(1).scale(0);
        }
        return tookOver ? decaying.scaledStep(batch).decayed(batch.decay() * batch.share()) : free.step(batch);
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

    /** The parameters themselves where FAN makes the steps. */
    @Override
    public void average(Vector parameters, IntFunction<Vector> memory) {
        if (!tookOver) {
            free.average(parameters, memory);
        }
    }

    @Override
    public boolean isAtAverage() {
        return tookOver || free.isAtAverage();
    }

    @Override
    public void goToAverage(Vector parameters, IntFunction<Vector> memory) {
        free.goToAverage(parameters, memory);
    }

    @Override
    public void leaveAverage(Vector parameters, IntFunction<Vector> memory) {
        if (!tookOver) {
            free.leaveAverage(parameters, memory);
        }
    }

    @Override
    public int memoryVectors() {
        return 2;
    }

    @Override
    public void state(Scalars scalars) {
        tookOver = scalars.next(tookOver);
        free.state(scalars);
        decaying.state(scalars);
    }
}
