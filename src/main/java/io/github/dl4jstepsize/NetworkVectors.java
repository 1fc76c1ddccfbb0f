package io.github.dl4jstepsize;

import org.deeplearning4j.nn.api.Trainable;
import org.deeplearning4j.nn.updater.UpdaterBlock;
import org.deeplearning4j.nn.updater.UpdaterBlock.ParamState;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * What of a network belongs to its step size updater, as vectors: views, block by block, of the parameters, of the gradient, and
 * of whatever else has a number for each of them.
 */
final class NetworkVectors {

    private final INDArray flatParameters;
    private final INDArray flatGradient;
    /** Of the blocks in the flat parameters. */
    private final List<INDArrayIndex> intervals;
    private final BlockVector parameters;
    private final BlockVector direction;
    private final List<ParamState> variables = new ArrayList<>();
    /**
     * Those of frozen layers, to whose gradients DL4J adds weight decay all the same; and those that the backward pass does not
     * reach, whose gradients nobody writes: what a step leaves there would be the next iteration's gradient.
     */
    private final List<ParamState> frozen = new ArrayList<>();
    /** The others. */
    private final List<ParamState> trained = new ArrayList<>();
    /** Allocated when a rule asks for it. */
    private BlockVector scratch;
    /** The weights that can decay, and what of the direction belongs to them; made when a rule asks for it. */
    private BlockVector weights;
    private BlockVector directionOfWeights;

    /**
     * @param flatParameters the network's
     * @param gradient       the network's
     * @param blocks         those of the step size updater
     * @param isTrained      which layers are not frozen, and reached by the backward pass
     */
    NetworkVectors(INDArray flatParameters, INDArray gradient, List<UpdaterBlock> blocks, Predicate<Trainable> isTrained) {
        this.flatParameters = flatParameters;
        this.flatGradient = gradient.reshape(gradient.length());
        intervals = blocks.stream()
                .map(block -> NDArrayIndex.interval(block.getParamOffsetStart(), block.getParamOffsetEnd()))
                .collect(Collectors.toList());
        parameters = new BlockVector(arrays(intervals, flatParameters::get));
        direction = beside(blocks, block -> block.getGradientView().reshape(block.getGradientView().length()));
        for (UpdaterBlock block : blocks) {
            for (ParamState variable : block.getLayersAndVariablesInBlock()) {
                variables.add(variable);
                (isTrained.test(variable.getLayer()) ? trained : frozen).add(variable);
            }
        }
    }

    /**
     * Where it is in the network's flat parameters: the views of DL4J's updater are in another order for separable
     * convolutions.
     */
    static INDArrayIndex place(ParamState variable, INDArray parameters) {
        return place(variable.getLayer().paramTable(false).get(variable.getParamName()), parameters);
    }

    /** Where a view of the flat parameters is in them: DL4J's table of a graph is in another order. */
    static INDArrayIndex place(INDArray view, INDArray parameters) {
        long from = view.offset() - parameters.offset();
        return NDArrayIndex.interval(from, from + view.length());
    }

    private static <T> INDArray[] arrays(List<T> list, Function<T, INDArray> array) {
        return list.stream().map(array).toArray(INDArray[]::new);
    }

    /** A vector with an array for each element of a list. */
    <T> BlockVector beside(List<T> list, Function<T, INDArray> array) {
        return parameters.beside(arrays(list, array));
    }

    /** What of an array with a number for each of the network's parameters belongs to the blocks. */
    BlockVector of(INDArray all) {
        return beside(intervals, all::get);
    }

    INDArray flatParameters() {
        return flatParameters;
    }

    BlockVector parameters() {
        return parameters;
    }

    /** The gradient view, in which DL4J's pipeline leaves the direction. */
    BlockVector direction() {
        return direction;
    }

    List<ParamState> variables() {
        return variables;
    }

    List<ParamState> frozen() {
        return frozen;
    }

    List<ParamState> trained() {
        return trained;
    }

    BlockVector scratch() {
        if (scratch == null) {
            scratch = beside(intervals, interval -> Nd4j.createUninitialized(flatParameters.dataType(), interval.length()));
        }
        return scratch;
    }

    /** Adds a part of the weights to the direction, biases, gains and what is frozen aside. */
    void decayWeights(double part) {
        if (weights == null) {
            List<INDArrayIndex> places = trained.stream().filter(FanIn::isWeight)
                    .map(variable -> place(variable, flatParameters)).collect(Collectors.toList());
            weights = beside(places, flatParameters::get);
            directionOfWeights = beside(places, flatGradient::get);
        }
        directionOfWeights.add(part, weights);
    }
}
