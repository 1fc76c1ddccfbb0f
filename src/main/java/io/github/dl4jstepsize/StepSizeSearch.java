package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.Losses;
import io.github.dl4jstepsize.rule.Outcome;
import io.github.dl4jstepsize.rule.Step;
import io.github.dl4jstepsize.rule.StepRule;
import io.github.dl4jstepsize.rule.TrainingBatch;
import io.github.dl4jstepsize.rule.Vector;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.Trainable;
import org.deeplearning4j.nn.conf.GradientNormalization;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;
import org.deeplearning4j.nn.layers.FrozenLayerWithBackprop;
import org.deeplearning4j.nn.updater.UpdaterBlock;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.regularization.Regularization;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.function.IntFunction;

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
    private final INDArray parameters;
    private final List<DirectionUpdater> updaters = new ArrayList<>();
    private final Set<StepSizeUpdater> published = Collections.newSetFromMap(new IdentityHashMap<>());
    private final StateLayout layout;
    private final long firstBlockLength;
    private final StepRule rule;
    private final Progress progress = new Progress();
    /** What the scalars are before the first iteration. */
    private final double[] untouched;
    private boolean stateIsInArray;

    /** Of the blocks in the flat parameters. */
    private final List<INDArrayIndex> intervals = new ArrayList<>();
    private final INDArray[] parameterBlocks;
    private final BlockVector parameterVector;
    private final List<UpdaterBlock.ParamState> variables = new ArrayList<>();
    private final BlockVector direction;
    /** Those of frozen layers, to whose gradients DL4J adds weight decay all the same. */
    private final List<UpdaterBlock.ParamState> frozen = new ArrayList<>();
    private final BlockVector gradient;
    private final BlockVector[] memory;
    /** Allocated when a rule asks for it. */
    private BlockVector scratch;
    /** What belongs to the blocks of the gradient before passes on parts of a batch; made when a rule asks for it. */
    private BlockVector gradientBeforeParts;

    /** Whether DL4J changes the parameters once more after a step. */
    private final boolean constrained;
    /** Null unless the updater averages, and its rule does not do so itself. */
    private final BlockVector average;
    private final BlockVector squaredGradient;
    /** The weights that can decay, and what of the direction belongs to them; made when a rule asks for it. */
    private BlockVector weights;
    private BlockVector directionOfWeights;
    /** Of the iteration that is under way; null if nobody knows how long the training will be. */
    private Horizon horizon;
    /** The last one beyond which the training has gone on. */
    private Horizon exceeded;

    /** Whether the listener has told of the backward pass of the iteration that is under way, and of its end. */
    private boolean heard;
    private boolean heardOfEnd;
    /** Whether the average has this iteration's result. */
    private boolean averaged;
    private StepRecord lastRecord;

    /**
     * @param forwardPass the network's forward pass with a given objective
     * @param parameters  the network's flat parameters
     * @param allBlocks   the network updater's blocks, with their views of its state
     */
    StepSizeSearch(Function<Objective, ForwardPass> forwardPass, INDArray parameters, List<UpdaterBlock> allBlocks) {
        this.parameters = parameters.reshape(parameters.length());
        List<UpdaterBlock> blocks = new ArrayList<>();
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
        for (UpdaterBlock block : blocks) {
            for (UpdaterBlock.ParamState variable : block.getLayersAndVariablesInBlock()) {
                if (isFrozen(variable.getLayer())) {
                    frozen.add(variable);
                }
                variables.add(variable);
                published.add((StepSizeUpdater) variable.getLayer().getConfig().getUpdaterByParam(variable.getParamName()));
            }
        }

        this.forwardPass = forwardPass.apply(updater.objective());
        constrained = Arrays.stream(this.forwardPass.layers()).anyMatch(layer -> isConstrained(layer.conf().getLayer()));
        rule = updater.newRule();
        if (rule.readsSlope()) {
            warnOfChangedGradients(updater);
        }
        layout = StateLayout.of(updater);
        untouched = layout.collect(progress, rule);
        firstBlockLength = length(blocks.get(0));
        stateIsInArray = true;
        load();

        blocks.forEach(block -> intervals.add(
                NDArrayIndex.interval(block.getParamOffsetStart(), block.getParamOffsetEnd())));
        parameterBlocks = forEach(intervals, i -> this.parameters.get(intervals.get(i)));
        parameterVector = new BlockVector(parameterBlocks);
        trials = new Trials(this.forwardPass, this.parameters, parameterVector);
        direction = parameterVector.beside(forEach(blocks, i -> flat(blocks.get(i).getGradientView())));
        memory = new BlockVector[rule.memoryVectors()];
        for (int index = 0; index < memory.length; index++) {
            memory[index] = memory(blocks, index);
        }
        average = StateLayout.needsAverage(updater, rule) ? memory(blocks, memory.length) : null;
        INDArray copyOfState = rule.looksAhead() ? copyOfBaseState(updater, type, blocks) : null;
        for (int i = 0; i < blocks.size(); i++) {
            long length = length(blocks.get(i));
            updaters.get(i).attach(layout.base(updaters.get(i).state(), length), !progress.started(), rule, type, length,
                    copyOfState, progress::directions);
        }
        gradient = updaters.get(0).gradient() == null ? direction
                : parameterVector.beside(forEach(updaters, i -> updaters.get(i).gradient()));
        squaredGradient = updater.averagedSquares() == null ? null
                : parameterVector.beside(forEach(updaters, i -> updaters.get(i).averagedSquares()));
    }

    /** Room for what blocks copy of their base updaters' states, one after the other; null if there are no states. */
    private static INDArray copyOfBaseState(StepSizeUpdater updater, DataType type, List<UpdaterBlock> blocks) {
        IUpdater base = updater.base();
        long longest = blocks.stream().mapToLong(block -> TentativeUpdate.room(base, length(block))).max().orElse(0);
        return longest == 0 ? null : Nd4j.createUninitialized(type, longest);
    }

    private BlockVector memory(List<UpdaterBlock> blocks, int index) {
        return parameterVector.beside(
                forEach(blocks, i -> layout.memory(updaters.get(i).state(), length(blocks.get(i)), index)));
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
        variables.stream().map(variable -> variable.getLayer().getConfig().getGradientNormalization())
                .filter(normalization -> normalization != null && normalization != GradientNormalization.None).findFirst()
                .ifPresent(normalization -> LOG.warn("{}: the network has gradientNormalization({}), but of gradients that it"
                        + " has changed this method cannot tell the slope of the loss: its steps may be much too long or too"
                        + " short. Leave it out, which a search needs less than a learning rate does, or use a method that"
                        + " looks at no slope, for example AutoUpdater", updater.getClass().getSimpleName(), normalization));
    }

    private static boolean isConstrained(org.deeplearning4j.nn.conf.layers.Layer layer) {
        if (layer instanceof Bidirectional) {
            return isConstrained(((Bidirectional) layer).getFwd());
        }
        return layer.getConstraints() != null && !layer.getConstraints().isEmpty();
    }

    static boolean isFrozen(Trainable layer) {
        return layer instanceof FrozenLayerWithBackprop
                || layer instanceof GraphVertex && ((GraphVertex) layer).getLayer() instanceof FrozenLayerWithBackprop;
    }

    Trials trials() {
        return trials;
    }

    /** Called where an epoch starts, whatever its number. */
    void epochStarts() {
        load();
        progress.epochStarts();
    }

    /** Called where an epoch ends: DL4J counts it a little later, when the network may have been saved already. */
    void epochEnds() {
        load();
        progress.epochEnds();
    }

    /** Called when an iteration is complete. */
    void iterationDone() {
        forwardPass.iterationDone();
        trials.rememberRandomState();
        horizon = null;
    }

    /** Called in the backward pass, while the layers still know their labels. */
    void backwardPass() {
        heard = true;
        forwardPass.backwardPass();
    }

    /**
     * Called when the training pass of an iteration is complete.
     *
     * @param guess where the random stream may have been before it; may be null
     */
    void trainingPassDone(RandomState guess) {
        heardOfEnd = true;
        trials.trainingPassDone(guess);
    }

    /** Makes the step of this iteration decay. */
    void decayUntil(Horizon horizon) {
        this.horizon = horizon;
    }

    /** Called when an iteration is complete, but for constraints. */
    void parametersMoved(int iteration, int epoch) {
        // Two listeners tell it twice.
        if (average != null && !averaged) {
            applyConstraints(iteration, epoch);
            progress.average.take(parameterVector, average);
            averaged = true;
        }
    }

    private void applyConstraints(int iteration, int epoch) {
        for (Layer layer : forwardPass.layers()) {
            layer.applyConstraints(iteration, epoch);
        }
    }

    /** The network's flat parameters, with the average of the iterates in the place of those that are averaged. */
    INDArray averagedParameters() {
        load();
        boolean trained = rule.averages() ? progress.directions() > 0 : !progress.average.isEmpty();
        if (!trained) {
            throw new IllegalStateException("the network has no average of its iterates: "
                    + (average == null && !rule.averages() ? "build its updater with averaging(true)" : "train it first."
                    + " (DL4J's ParallelWrapper keeps that of a MultiLayerNetwork to itself: give it"
                    + " network.toComputationGraph())"));
        }
        INDArray result = parameters.dup();
        BlockVector copy = blocksOf(result);
        if (rule.averages()) {
            rule.average(copy, index -> memory[index]);
        } else {
            copy.assign(average);
        }
        // An average of equal numbers is one of them but for roundings.
        frozen.stream().map(variable -> WeightScale.place(variable, parameters))
                .forEach(place -> result.get(place).assign(parameters.get(place)));
        return result;
    }

    StepRecord lastRecord() {
        return lastRecord;
    }

    /** Brings the updater state array up to date. */
    void store() {
        if (!stateIsInArray) {
            if (progress.started()) {
                layout.write(updaters.get(0).state(), firstBlockLength, layout.collect(progress, rule));
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
            double[] values = layout.read(updaters.get(0).state(), firstBlockLength);
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
        if (!heard) {
            throw DirectionUpdater.withoutListener(updaters.get(0).updater());
        }
        if (!heardOfEnd) {
            // The optimizer of a graph that DL4J has cloned does not know of the listeners that the graph has.
            forwardPass.setListeners(new ArrayList<>(forwardPass.listeners()));
            trainingPassDone(null);
        }
        heard = false;
        heardOfEnd = false;
        averaged = false;
        load();
        INDArray gradientView = forwardPass.gradientView();
        double loss = forwardPass.score();
        if (Guard.isFinite(loss, gradientView)) {
            rule.requireLoss(loss, forwardPass::lossFunction);
            return true;
        }
        gradientView.assign(0);
        progress.count(epoch, batchSize);
        double stepSize = lastRecord == null ? Double.NaN : lastRecord.stepSize();
        record(new StepRecord(iteration, epoch, loss, Step.chosen(0, stepSize, Outcome.NOT_FINITE), 0, 0));
        return false;
    }

    /** @throws IllegalStateException if the last {@code maximum} iterations were not finite */
    void requireFinite(int maximum, int iteration) {
        progress.guard.requireFinite(maximum, iteration, forwardPass.score());
    }

    /** Finds the step size and scales the direction in the gradient view. */
    void step(int iteration, int epoch, int batchSize) {
        load();
        frozen.forEach(variable -> variable.getGradView().assign(0));
        trials.begin();
        Batch batch = new Batch(iteration, epoch, batchSize);
        Step chosen = choose(batch, epoch);
        Step step = scale(rule.decaysByItself() ? chosen : chosen.decayed(batch.decay() * batch.share()));
        if (step.factor() != 0) {
            // Batches that are only measured would make DL4J's chart of learning rates jump to 0 and back.
            published.forEach(updater -> updater.publishLearningRate(step.learningRate()));
        }
        // Nor does the difference of two roundings move what is frozen.
        frozen.forEach(variable -> variable.getGradView().assign(0));
        record(new StepRecord(iteration, epoch, batch.loss(), step, trials.forwardPasses(), trials.gradientPasses()));
    }

    /** Turns the direction into the step. One that is too long for the parameters' type is not taken. */
    private Step scale(Step step) {
        if (step.factor() != 0 && step.factor() != 1) {
            direction.scale(step.factor());
        }
        boolean overflow = Math.abs(step.factor()) > 1 && !Guard.isFinite(0, forwardPass.gradientView());
        if (step.factor() == 0 || overflow) {
            // A product with 0 would leave NaN where a gradient is NaN.
            direction.assignZero();
        }
        return overflow ? Step.chosen(0, step.stepSize(), Outcome.NOT_FINITE) : step;
    }

    private void record(StepRecord record) {
        progress.guard.watch(record, progress.batchesPerEpoch(), updaters.get(0).updater());
        lastRecord = record;
    }

    private Step choose(Batch batch, int epoch) {
        double[] before = layout.collect(progress, rule);
        try (MemoryWorkspace none = Nd4j.getMemoryManager().scopeOutOfWorkspaces()) {
            progress.count(epoch, batch.size);
            Step step = rule.step(batch);
            updaters.forEach(updater -> updater.searched(epoch));
            progress.countDirection();
            return Double.isFinite(step.factor()) ? step : Step.chosen(0, step.stepSize(), Outcome.NOT_FINITE);
        } catch (Throwable t) {
            layout.distribute(before, progress, rule);
            throw t;
        }
    }

    private static <T> INDArray[] forEach(List<T> list, IntFunction<INDArray> array) {
        INDArray[] arrays = new INDArray[list.size()];
        for (int i = 0; i < arrays.length; i++) {
            arrays[i] = array.apply(i);
        }
        return arrays;
    }

    /** What of an array with a number for each of the network's parameters belongs to the blocks. */
    private BlockVector blocksOf(INDArray all) {
        return parameterVector.beside(forEach(intervals, i -> all.get(intervals.get(i))));
    }

    private static long length(UpdaterBlock block) {
        return block.getParamOffsetEnd() - block.getParamOffsetStart();
    }

    private static INDArray flat(INDArray array) {
        return array.reshape(array.length());
    }

    /** The rule's view of one iteration. */
    private final class Batch implements TrainingBatch {

        private final int iteration;
        private final int epoch;
        private final int size;
        private final double loss = forwardPass.score();

        private Batch(int iteration, int epoch, int size) {
            this.iteration = iteration;
            this.epoch = epoch;
            this.size = size;
        }

        @Override
        public double loss() {
            return loss;
        }

        @Override
        public double loss(double step, Vector along) {
            return trials.objective().loss(step, along);
        }

        @Override
        public Losses differentiated() {
            return trials.differentiated();
        }

        @Override
        public Vector gradient() {
            if (!trials.inParts()) {
                return gradient;
            }
            if (gradientBeforeParts == null) {
                gradientBeforeParts = blocksOf(flat(trials.gradientBackup()));
            }
            return gradientBeforeParts;
        }

        @Override
        public Vector direction() {
            return direction;
        }

        @Override
        public Vector memory(int index) {
            return memory[index];
        }

        @Override
        public Vector scratch() {
            if (scratch == null) {
                scratch = parameterVector.beside(forEach(Arrays.asList(parameterBlocks),
                        i -> Nd4j.createUninitialized(parameterBlocks[i].dataType(), parameterBlocks[i].length())));
            }
            return scratch;
        }

        @Override
        public Vector parameters() {
            return parameterVector;
        }

        @Override
        public void weightScale(Vector result) {
            INDArray scales = WeightScale.of(variables, parameters, forwardPass);
            result.assign(blocksOf(scales));
        }

        @Override
        public void decayWeights(double part) {
            if (weights == null) {
                List<INDArrayIndex> places = new ArrayList<>();
                variables.stream().filter(variable -> FanIn.isWeight(variable) && !isFrozen(variable.getLayer()))
                        .forEach(variable -> places.add(WeightScale.place(variable, parameters)));
                INDArray gradientView = flat(forwardPass.gradientView());
                weights = parameterVector.beside(forEach(places, i -> parameters.get(places.get(i))));
                directionOfWeights = parameterVector.beside(forEach(places, i -> gradientView.get(places.get(i))));
            }
            directionOfWeights.add(part, weights);
        }

        @Override
        public boolean isConstrained() {
            return constrained;
        }

        @Override
        public void constrain(Vector point) {
            trials.at(point, () -> {
                applyConstraints(iteration, epoch);
                point.assign(parameterVector);
            });
        }

        @Override
        public Vector squaredGradient() {
            return squaredGradient;
        }

        @Override
        public double decay() {
            if (horizon == null) {
                return 1;
            }
            int iterations = progress.iterationsBeforeThis();
            double epochs = progress.epochsBeforeThis();
            if (exceeded != horizon && horizon.isExceeded(iterations, epochs)) {
                exceeded = horizon;
                horizon.warn();
            }
            return horizon.factor(iterations, epochs);
        }

        @Override
        public double nextDecay() {
            return horizon == null ? 1 : horizon.factorUpToTheEnd(progress.iterations(), progress.epochsWithThis());
        }

        @Override
        public double share() {
            return progress.share();
        }

        @Override
        public boolean decays() {
            return horizon != null && horizon.decays();
        }

        @Override
        public int size() {
            return size;
        }

        @Override
        public int batchesPerEpoch() {
            return progress.batchesPerEpoch();
        }

        @Override
        public int epochs() {
            return progress.epochs();
        }

        @Override
        public int examplesPerEpoch() {
            return progress.examplesPerEpoch();
        }

        @Override
        public void gradients(double step, Vector along, int parts, GradientConsumer consumer) {
            if (!forwardPass.layers()[0].conf().isMiniBatch()) {
                throw new IllegalStateException(updaters.get(0).updater().getClass().getSimpleName() + " compares parts of a"
                        + " batch by their means, but the network was built with miniBatch(false), which makes sums of them:"
                        + " leave out miniBatch(false)");
            }
            trials.gradients(step, along, parts, size, (examples, partLoss) -> {
                direction.scale(1.0 / examples);
                regularize();
                consumer.accept(examples, partLoss, direction);
            });
        }

        /** Adds to the gradient what DL4J's pipeline adds for L1, L2 and weight decay, but nothing to what is frozen. */
        private void regularize() {
            for (UpdaterBlock.ParamState variable : variables) {
                List<Regularization> all =
                        variable.getLayer().getConfig().getRegularizationByParam(variable.getParamName());
                if (all != null && !isFrozen(variable.getLayer())) {
                    all.forEach(one ->
                            one.apply(variable.getParamView(), variable.getGradView(), 1.0, iteration, epoch));
                }
            }
        }

        @Override
        public Losses keep() {
            return trials.keep();
        }
    }
}
