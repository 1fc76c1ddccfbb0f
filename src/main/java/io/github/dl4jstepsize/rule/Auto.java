package io.github.dl4jstepsize.rule;

import java.util.function.IntFunction;

/**
 * The first choice, in two forms, between which the first iteration decides for the whole training:
 * <ul>
 *   <li>while nobody knows how long the training will be, {@link ScheduleFree}: its average is good at any time;</li>
 *   <li>in a training whose steps are going to decay, {@link Fan} with momentum: the parameters themselves end well, and where
 *       the last digits count (a regression without noise), far better than any average.</li>
 * </ul>
 * No extra pass; two memory vectors. The momentum of the second form averages preconditioned gradients, where Adam
 * preconditions averaged ones, so that both forms have the same base updater (L. Ziyin et al., "LaProp: separating momentum
 * and adaptivity in Adam", 2020).
 */
public final class Auto implements StepRule {

    private final ScheduleFree free;
    private final Fan decaying;

    private boolean decided;
    private boolean decays;

    /**
     * @param step        r of both
     * @param beta1       beta of ScheduleFree, and the momentum of FAN
     * @param beta2       decay of the base updater's squared gradients
     * @param warmUp      iterations until the step has its full length; 1 for none
     * @param weightDecay per complete epoch; 0 for none
     */
    public Auto(double step, double beta1, double beta2, int warmUp, double weightDecay) {
        free = new ScheduleFree(step, beta1, beta2, warmUp, weightDecay);
        decaying = new Fan(step, warmUp, weightDecay, beta1);
    }

    @Override
    public Step step(TrainingBatch batch) {
        if (!decided) {
            decided = true;
            decays = batch.decays();
        }
        return decays ? decaying.step(batch).decayed(batch.decay() * batch.share()) : free.step(batch);
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

    /** The parameters themselves where the steps decay. */
    @Override
    public void average(Vector parameters, IntFunction<Vector> memory) {
        if (!decays) {
            free.average(parameters, memory);
        }
    }

    @Override
    public int memoryVectors() {
        return 2;
    }

    @Override
    public void state(Scalars scalars) {
        decided = scalars.next(decided);
        decays = scalars.next(decays);
        free.state(scalars);
        decaying.state(scalars);
    }
}
