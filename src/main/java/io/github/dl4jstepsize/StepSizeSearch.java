package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.Outcome;
import io.github.dl4jstepsize.rule.Step;
import io.github.dl4jstepsize.rule.StepRule;
import io.github.dl4jstepsize.rule.TrainingBatch;
import org.deeplearning4j.nn.conf.GradientNormalization;
import org.deeplearning4j.nn.updater.UpdaterBlock;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.IUpdater;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * The search for step sizes in one network: runs at the end of DL4J's update pipeline, when the gradient view holds the
 * direction, lets the rule look along it, and scales the direction by the learning rate that the rule chose.
 * <p>
 * The scalars of the rule live in fields while the network trains. They are written to the updater state when somebody
 * asks for that array ({@link #store}), and read again afterwards, because whoever asked may have changed it.
 */
final class StepSizeSearch {

    private static final Logger LOG = LoggerFactory.getLogger(StepSizeUpdater.class);

    /** A mean of ones over many workers may not be quite 1; one of ones and a zero is farther from it. */
    private static final double ROUNDING = 1e-4;

    private final ForwardPass forwardPass;
    private final Trials trials;
    private final List<UpdaterBlock> blocks = new ArrayList<>();
    private final List<DirectionUpdater> updaters = new ArrayList<>();
    private final Set<StepSizeUpdater> published = Collections.newSetFromMap(new IdentityHashMap<>());
    private final StateLayout layout;
    private final StepRule rule;
    private final Progress progress = new Progress();
    /** What the scalars are before the first iteration. */
    private final double[] untouched;
    private boolean stateIsInArray;
    /** Of the network's other updaters, which DL4J runs before the search; empty unless the rule looks ahead. */
    private final Snapshot otherStates;

    private final NetworkVectors vectors;
    private final BlockVector[] memory;
    private final NetworkAverage average;
    private final StepDecay decay = new StepDecay(progress);
    private final NetworkBatch batch;

    /** Whether the listener has told of this iteration's backward pass, and that its training pass is complete. */
    private boolean backwardPassHeard;
    private boolean trainingPassHeard;
    /** Whether DL4J has begun an epoch, as it does with an iterator. */
    private boolean epochHeard;
    private StepRecord lastRecord;

    /**
     * @param forwardPass the network's forward pass with a given objective
     * @param parameters  the network's flat parameters
     * @param allBlocks   the network updater's blocks, with their views of its state
     */
    StepSizeSearch(Function<Objective, ForwardPass> forwardPass, INDArray parameters, List<UpdaterBlock> allBlocks) {
        for (UpdaterBlock block : allBlocks) {
            // Blocks of layerwise pretraining (a VAE's decoder) take no part in backpropagation.
            if (block.getGradientUpdater() instanceof DirectionUpdater && !block.isPretrainUpdaterBlock()) {
                blocks.add(block);
                updaters.add((DirectionUpdater) block.getGradientUpdater());
            }
        }
        StepSizeUpdater updater = updaters.get(0).updater();
        requireOneUpdater(updater);
        DataType type = parameters.dataType();
        if (type != DataType.FLOAT && type != DataType.DOUBLE) {
            throw new IllegalStateException(updater.getClass().getSimpleName() + " needs parameters of type FLOAT or"
                    + " DOUBLE, but the network's are " + type + ": differences of losses drown in rounding errors."
                    + " Set dataType(DataType.FLOAT) in the network's configuration");
        }
        this.forwardPass = forwardPass.apply(updater.objective());
        vectors = new NetworkVectors(parameters.reshape(parameters.length()), this.forwardPass.gradientView(), blocks,
                this.forwardPass::isTrained);
        vectors.variables().forEach(variable -> published.add(
                (StepSizeUpdater) variable.getLayer().getConfig().getUpdaterByParam(variable.getParamName())));
        rule = updater.newRule();
        if (rule.readsSlope()) {
            warnOfChangedGradients(updater);
        }
        otherStates = new Snapshot(allBlocks.stream()
                .filter(block -> rule.looksAhead() && !(block.getGradientUpdater() instanceof DirectionUpdater))
                .map(UpdaterBlock::getUpdaterView).filter(Objects::nonNull).collect(Collectors.toList()));
        layout = StateLayout.of(updater);
        untouched = layout.collect(progress, rule);
        stateIsInArray = true;
        load();

        trials = new Trials(this.forwardPass, vectors.flatParameters(), vectors.parameters());
        memory = new BlockVector[rule.memoryVectors()];
        for (int index = 0; index < memory.length; index++) {
            memory[index] = memory(index);
        }
        INDArray copyOfState = rule.looksAhead() ? copyOfBaseState(updater, type, blocks) : null;
        for (int i = 0; i < blocks.size(); i++) {
            long length = length(blocks.get(i));
            updaters.get(i).attach(layout.base(updaters.get(i).state(), length), !progress.started(), rule, type, length,
                    copyOfState, progress::directions);
        }
        batch = new NetworkBatch(this.forwardPass, trials, vectors, memory,
                updaters.get(0).gradient() == null ? vectors.direction()
                        : vectors.beside(updaters, DirectionUpdater::gradient),
                updater.averagedSquares() == null ? null : vectors.beside(updaters, DirectionUpdater::averagedSquares),
                progress, decay);
        average = new NetworkAverage(rule, memory, StateLayout.needsAverage(updater, rule) ? memory(memory.length) : null,
                vectors, this.forwardPass, trials, progress);
    }

    /** Room for what blocks copy of their base updaters' states, one after the other; null if there are no states. */
    private static INDArray copyOfBaseState(StepSizeUpdater updater, DataType type, List<UpdaterBlock> blocks) {
        IUpdater base = updater.base();
        long longest = blocks.stream().mapToLong(block -> TentativeUpdate.room(base, length(block))).max().orElse(0);
        return longest == 0 ? null : Nd4j.createUninitialized(type, longest);
    }

    private BlockVector memory(int index) {
        return vectors.beside(blocks, block ->
                layout.memory(((DirectionUpdater) block.getGradientUpdater()).state(), length(block), index));
    }

    private void requireOneUpdater(StepSizeUpdater updater) {
        for (DirectionUpdater other : updaters) {
            if (!other.updater().equals(updater)) {
                throw new IllegalStateException("the network has two different step size updaters, " + updater + " and "
                        + other.updater() + ", but one line can only be searched by one: use the same settings in all"
                        + " layers, or an updater with a learning rate of its own in some");
            }
        }
    }

    private void warnOfChangedGradients(StepSizeUpdater updater) {
        vectors.variables().stream().map(variable -> variable.getLayer().getConfig().getGradientNormalization())
                .filter(normalization -> normalization != null && normalization != GradientNormalization.None).findFirst()
                .ifPresent(normalization -> LOG.warn("{}: the network has gradientNormalization({}), but of gradients that it"
                        + " has changed this method cannot tell the slope of the loss: its steps may be much too long or too"
                        + " short. Leave it out, which a search needs less than a learning rate does, or use a method that"
                        + " looks at no slope, for example AutoUpdater", updater.getClass().getSimpleName(), normalization));
    }

    Trials trials() {
        return trials;
    }

    /** Called where an epoch starts, whatever its number. */
    void epochStarts() {
        load();
        epochHeard = true;
        progress.epochStarts();
        average.leave();
    }

    /** Called where an epoch ends: DL4J counts it a little later, when the network may have been saved already. */
    void epochEnds() {
        load();
        progress.epochEnds();
        progress.guard.epochEnds(updaters.get(0).updater());
        average.goTo();
    }

    /** Called when an iteration is complete. */
    void iterationDone() {
        forwardPass.iterationDone();
        trials.rememberRandomState();
    }

    /** Called in the backward pass, while the layers still know their labels. */
    void backwardPass() {
        if (!backwardPassHeard) {
            decay.forget();
        }
        backwardPassHeard = true;
        forwardPass.backwardPass();
    }

    /**
     * Called when the training pass of an iteration is complete.
     *
     * @param guess where the random stream may have been before it; may be null
     */
    void trainingPassDone(RandomState guess) {
        trainingPassHeard = true;
        trials.trainingPassDone(guess);
    }

    /** Makes the step of this iteration decay. */
    void decayUntil(Horizon horizon) {
        load();
        if (!epochHeard && !progress.started()) {
            horizon.tellWhoCountsEpochs();
        }
        decay.until(horizon);
    }

    /** Called when an iteration is complete, but for constraints. */
    void parametersMoved(int iteration, int epoch) {
        average.take(iteration, epoch);
    }

    /** The network's flat parameters, with the average of the iterates in the place of those that are averaged. */
    INDArray averagedParameters() {
        load();
        return average.parameters();
    }

    StepRecord lastRecord() {
        return lastRecord;
    }

    /** Brings the updater state array up to date. */
    void store() {
        if (!stateIsInArray) {
            if (progress.started()) {
                layout.write(updaters.get(0).state(), length(blocks.get(0)), layout.collect(progress, rule));
            }
            stateIsInArray = true;
        }
    }

    /**
     * Takes the scalars from the updater state array if they may have changed there. In one that has been set to 0 the training
     * begins anew; and in a mean of some that are 0 with others, as DL4J's ParallelWrapper makes at first of the workers' states
     * if the network is a MultiLayerNetwork.
     */
    private void load() {
        if (stateIsInArray) {
            double[] values = layout.read(updaters.get(0).state(), length(blocks.get(0)));
            boolean begun = Math.abs(values[0] - 1) < ROUNDING;
            if (!begun) {
                updaters.forEach(DirectionUpdater::begin);
            }
            layout.distribute(begun ? values : untouched, progress, rule);
            stateIsInArray = false;
        }
    }

    /**
     * Called before DL4J's update pipeline. If the loss or the gradient is not finite, there must be no pipeline, because
     * it would poison the averages that base updaters keep; the gradient view, pseudo-gradients of running statistics
     * included, is then zero.
     *
     * @return whether to go on
     * @throws IllegalStateException if the rule cannot train with such a loss, or if the listener is gone, without which the
     *                               search would look at what it remembers of an earlier batch
     */
    boolean admits(int iteration, int epoch, int batchSize) {
        if (!backwardPassHeard) {
            throw DirectionUpdater.withoutListener(updaters.get(0).updater());
        }
        if (!trainingPassHeard) {
            // The optimizer of a graph that DL4J has cloned does not know of the listeners that the graph has.
            forwardPass.setListeners(new ArrayList<>(forwardPass.listeners()));
            trainingPassDone(null);
        }
        backwardPassHeard = false;
        trainingPassHeard = false;
        average.begin();
        load();
        INDArray gradientView = forwardPass.gradientView();
        double loss = forwardPass.score();
        if (Guard.isFinite(loss, gradientView)) {
            rule.requireLoss(loss, forwardPass::lossFunction);
            trials.begin();
            begin(iteration, loss, batchSize);
            otherStates.take();
            return true;
        }
        gradientView.assign(0);
        progress.count(epoch, batchSize);
        double stepSize = lastRecord == null ? Double.NaN : lastRecord.stepSize();
        record(new StepRecord(iteration, epoch, loss, Step.chosen(0, stepSize, Outcome.NOT_FINITE), 0, 0));
        return false;
    }

    /** Lets the rule begin if this is the first batch, or one of other data. */
    private void begin(int iteration, double loss, int batchSize) {
        batch.measureIgnorance(progress.directions() == 0 && rule.asksForIgnorance(batchSize));
        if (batch.ignorance() < TrainingBatch.TRAINED_BEFORE) {
            LOG.info("{}: the first loss is {} times that of a network that knows nothing. This one seems to have been trained"
                    + " before, and makes shorter steps until their directions agree",
                    updaters.get(0).updater().getClass().getSimpleName(), (float) batch.ignorance());
        }
        if (rule.beginsAnew(loss, progress.batchesPerEpoch(), progress.changesOfData())) {
            beginAnew(iteration, loss);
        }
    }

    /** Forgets all but how long the training has been. */
    private void beginAnew(int iteration, double loss) {
        StepSizeUpdater updater = updaters.get(0).updater();
        LOG.warn("{}: in iteration {} (loss {}) and some before it all losses were much larger than in the last epoch, or in as"
                        + " many iterations as an epoch would be, as they are with other data. The method and its average begin"
                        + " anew. (Beyond the length that the listener was told steps stay short: tell it a longer one.) If the"
                        + " data are still the same, shuffle them, and count epochs with incrementEpochCount(); or use another"
                        + " method", updater.getClass().getSimpleName(), iteration, loss);
        updaters.forEach(DirectionUpdater::begin);
        progress.dataChanged();
        layout.distribute(untouched, new Progress(), rule);
    }

    /** @throws IllegalStateException if the last {@code maximum} iterations were not finite */
    void requireFinite(int maximum, int iteration) {
        progress.guard.requireFinite(maximum, iteration, forwardPass.score());
    }

    /** Finds the step size and scales the direction in the gradient view. */
    void step(int iteration, int epoch, int batchSize) {
        load();
        vectors.frozen().forEach(variable -> variable.getGradView().assign(0));
        batch.begin(iteration, epoch, batchSize);
        Step chosen = choose(epoch, batchSize);
        Step step = scale(rule.decaysByItself() ? chosen : chosen.decayed(decay.factor() * progress.share()));
        if (step.factor() != 0) {
            // Batches that are only measured would make DL4J's chart of learning rates jump to 0 and back.
            published.forEach(updater -> updater.publishLearningRate(step.learningRate()));
        }
        // Nor does the difference of two roundings move what is frozen.
        vectors.frozen().forEach(variable -> variable.getGradView().assign(0));
        record(new StepRecord(iteration, epoch, batch.loss(), step, trials.forwardPasses(), trials.gradientPasses()));
    }

    /** Turns the direction into the step. One that is too long for the parameters' type is not taken. */
    private Step scale(Step step) {
        if (step.factor() != 0 && step.factor() != 1) {
            vectors.direction().scale(step.factor());
        }
        boolean overflow = Math.abs(step.factor()) > 1 && !Guard.isFinite(0, forwardPass.gradientView());
        if (step.factor() == 0 || overflow) {
            // A product with 0 would leave NaN where a gradient is NaN.
            vectors.direction().assignZero();
        }
        return overflow ? Step.chosen(0, step.stepSize(), Outcome.NOT_FINITE) : step;
    }

    private void record(StepRecord record) {
        progress.guard.watch(record, progress.batchesPerEpoch(), updaters.get(0).updater());
        lastRecord = record;
    }

    private Step choose(int epoch, int batchSize) {
        double[] before = layout.collect(progress, rule);
        try (MemoryWorkspace none = Nd4j.getMemoryManager().scopeOutOfWorkspaces()) {
            progress.count(epoch, batchSize);
            decay.warnBeyondTheEnd();
            Step step = rule.step(batch);
            updaters.forEach(updater -> updater.searched(epoch));
            progress.countDirection();
            return Double.isFinite(step.factor()) ? step : Step.chosen(0, step.stepSize(), Outcome.NOT_FINITE);
        } catch (Throwable t) {
            layout.distribute(before, progress, rule);
            otherStates.restore();
            throw t;
        }
    }

    private static long length(UpdaterBlock block) {
        return block.getParamOffsetEnd() - block.getParamOffsetStart();
    }
}
