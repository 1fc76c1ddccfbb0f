package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.StepRule;
import io.github.dl4jstepsize.rule.Vector;
import org.nd4j.linalg.api.ndarray.INDArray;

import java.util.function.BiConsumer;
import java.util.function.IntFunction;
import java.util.stream.Collectors;

/** The average of a network's iterates: kept here beside the parameters, or by the rule itself. */
final class NetworkAverage {

    private final StepRule rule;
    private final IntFunction<Vector> memory;
    /** Null unless the updater averages, and its rule does not do so itself. */
    private final BlockVector average;
    private final NetworkVectors vectors;
    private final ForwardPass forwardPass;
    private final Trials trials;
    private final Progress progress;
    private final boolean constrained;
    /** Whether the average has this iteration's result. */
    private boolean taken;

    /**
     * @param memory  the rule's memory vectors
     * @param average room for the average; null unless the updater averages, and its rule does not do so itself
     */
    NetworkAverage(StepRule rule, BlockVector[] memory, BlockVector average, NetworkVectors vectors, ForwardPass forwardPass,
                   Trials trials, Progress progress) {
        this.rule = rule;
        this.memory = index -> memory[index];
        this.average = average;
        this.vectors = vectors;
        this.forwardPass = forwardPass;
        this.trials = trials;
        this.progress = progress;
        constrained = forwardPass.isConstrained();
    }

    /** Called when an iteration begins. */
    void begin() {
        taken = false;
    }

    /** Called when an iteration is complete, but for constraints; two listeners tell it twice. */
    void take(int iteration, int epoch) {
        if (average == null || taken) {
            return;
        }
        taken = true;
        if (progress.average.isDue() && constrained) {
            // DL4J applies them after this, and to do so twice would not be the same. What the trials put back are
            // the parameters as they are now, not those before the step.
            trials.begin();
            trials.at(vectors.parameters(), () -> {
                forwardPass.applyConstraints(iteration, epoch);
                progress.average.take(vectors.parameters(), average);
            });
        } else {
            progress.average.take(vectors.parameters(), average);
        }
    }

    /** Called where an epoch ends, by two listeners twice: puts the network at the average that its rule keeps, if it does. */
    void goTo() {
        if (isOfTheRule() && !rule.isAtAverage()) {
            move(vectors.flatParameters(), vectors.parameters(), rule::goToAverage);
            if (constrained) {
                // The average of unit vectors is no unit vector.
                forwardPass.applyConstraints(0, 0);
            }
        }
    }

    /** Called where an epoch begins: takes it back. */
    void leave() {
        if (isOfTheRule()) {
            move(vectors.flatParameters(), vectors.parameters(), rule::leaveAverage);
        }
    }

    private boolean isOfTheRule() {
        return rule.averages() && progress.directions() > 0;
    }

    /** The network's flat parameters, with the average of the iterates in the place of those that are averaged. */
    INDArray parameters() {
        if (!isOfTheRule() && progress.average.isEmpty()) {
            throw new IllegalStateException("the network has no average of its iterates: "
                    + (average == null && !rule.averages() ? "build its updater with averaging(true)" : "train it first."
                    + " A copy that averaged() has returned is the average itself."
                    + " (DL4J's ParallelWrapper keeps that of a MultiLayerNetwork to itself: give it"
                    + " network.toComputationGraph())"));
        }
        INDArray result = vectors.flatParameters().dup();
        move(result, vectors.of(result), rule.averages() ? rule::average : (parameters, none) -> parameters.assign(average));
        return result;
    }

    /**
     * Moves parameters, but not what is frozen: an average of equal numbers is one of them but for roundings.
     *
     * @param parameters one number for each of the network's
     * @param moving     those of them that move along lines
     */
    private void move(INDArray parameters, Vector moving, BiConsumer<Vector, IntFunction<Vector>> where) {
        Snapshot frozen = new Snapshot(vectors.frozen().stream()
                .map(variable -> parameters.get(NetworkVectors.place(variable, vectors.flatParameters())))
                .collect(Collectors.toList()));
        where.accept(moving, memory);
        frozen.restore();
    }
}
