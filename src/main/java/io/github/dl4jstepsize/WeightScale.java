package io.github.dl4jstepsize;

import org.deeplearning4j.nn.api.ParamInitializer;
import org.deeplearning4j.nn.api.Trainable;
import org.deeplearning4j.nn.api.TrainingConfig;
import org.deeplearning4j.nn.conf.dropout.Dropout;
import org.deeplearning4j.nn.conf.dropout.IDropout;
import org.deeplearning4j.nn.conf.layers.AbstractLSTM;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.BaseLayer;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.DepthwiseConvolution2D;
import org.deeplearning4j.nn.conf.layers.DropoutLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.GravesBidirectionalLSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.PReLULayer;
import org.deeplearning4j.nn.conf.layers.SeparableConvolution2D;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.conf.layers.ZeroPaddingLayer;
import org.deeplearning4j.nn.conf.layers.misc.ElementWiseMultiplicationLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.conf.layers.wrapper.BaseWrapperLayer;
import org.deeplearning4j.nn.params.LSTMParamInitializer;
import org.deeplearning4j.nn.params.SeparableConvolutionParamInitializer;
import org.deeplearning4j.nn.updater.UpdaterBlock.ParamState;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.activations.impl.ActivationHardSigmoid;
import org.nd4j.linalg.activations.impl.ActivationIdentity;
import org.nd4j.linalg.activations.impl.ActivationLReLU;
import org.nd4j.linalg.activations.impl.ActivationReLU;
import org.nd4j.linalg.activations.impl.ActivationSigmoid;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Broadcast;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.indexing.conditions.Conditions;

import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

import static io.github.dl4jstepsize.StepSizeSearch.isFrozen;

/**
 * The size that a layer's weights have when they are drawn uniformly from [-1/sqrt(n), 1/sqrt(n)]: their standard
 * deviation 1/sqrt(3 n). n is fan_in, the number of inputs that a unit sums up, where these come from another layer; a
 * fifth of it where that is an LSTM, recurrent weights included. Where they come from the network's input it is the mean sum
 * of their squares, which is fan_in for inputs of mean square 1, 1 for one of not too many words, and large for pixels from 0
 * to 255. The same step of the weights then moves a unit as far as if the inputs had been normalized. Of the gates of an LSTM
 * it is at most fan_in: large inputs saturate them, and it takes longer steps to open them again.
 * <p>
 * Where a normalization undoes whatever factor the weights are multiplied with, only their direction counts, and the scale is
 * what changes it by the same angle whatever their size and that of the inputs: their own root mean square. Where an activation
 * before the normalization keeps a part of the factor, the scale is at least this root mean square over sqrt(6).
 * <p>
 * Changes of layers that follow one another multiply: the size counts as min(1, 4/(depth - 2)) of that, for all but the weights
 * before normalizations. depth is the largest number of layers with weights to train on any way through the network on which
 * no normalization is between them. Hidden layers with a sigmoid, which damps changes to a quarter at most, do not count; layers
 * within a layer count as one.
 * <p>
 * Where outputs are to come near to targets larger than 1, that size is times s, the targets' root mean square: see
 * {@link TargetSize}.
 */
final class WeightScale {

    /** Inputs that are almost 0 in the first batch may be larger later: see zoo-examples/experiments/19-gates.txt. */
    private static final double SMALLEST_SUM = 0.1;

    /**
     * Of fan_in behind an LSTM, whose outputs are small: a gate, half open at first, times a hyperbolic tangent. Tried on two
     * workloads beside 1: zoo-examples/experiments/09-input-scale.txt.
     */
    private static final double GATED_PART = 0.2;

    /**
     * Weights of mean square 2/fan_in (K. He et al., "Delving deep into rectifiers", 2015) are so many times as large as 1/sqrt(3
     * fan_in).
     */
    private static final double HE = Math.sqrt(6);
    /** Of 1/sqrt(3 fan_in): where weights are almost 0, the small number that a normalization adds to the variance is not small. */
    private static final double SMALLEST_OWN = 0.1;

    /** Layers between the first and the last that do not shorten their steps: see zoo-examples/experiments/20-depth.txt. */
    private static final double SHALLOW = 4;

    private WeightScale() {
    }

    /**
     * @param variables  whose scale is wanted, layer by layer
     * @param parameters the network's flat parameters
     * @param pass       tells what each layer reads
     * @return the scale of every parameter; 1 for those of other variables
     */
    static INDArray of(List<ParamState> variables, INDArray parameters, ForwardPass pass) {
        INDArray scales = parameters.ulike().assign(1);
        double shortening = SHALLOW / Math.max(SHALLOW, depth(variables, pass) - 2);
        // Without any weights the scale is 1.
        double fanInOfBiases = 1.0 / 3;
        for (ParamState variable : variables) {
            Trainable layer = variable.getLayer();
            // A layer's biases may come before its weights, and a BatchNormalization has only the weights before it.
            double largest = layer.paramTable(false).keySet().stream().mapToDouble(name -> fanIn(layer, name)).max()
                    .orElse(0);
            fanInOfBiases = largest > 0 ? largest : fanInOfBiases;
            double n = n(layer, variable.getParamName(), pass);
            INDArray scale = scales.get(place(variable, parameters))
                    .assign(n > 0 ? ofWeights(variable, n, shortening, pass) : shortening * uniform(fanInOfBiases));
            INDArray targets = TargetSize.of(layer, pass);
            if (targets != null) {
                INDArray array = layer.paramTable(false).get(variable.getParamName());
                // Of convolutions' weights the first dimension is that of the units, of others' weights and biases the last.
                int units = array.rank() > 2 ? 0 : array.rank() - 1;
                INDArray shaped = scale.reshape(array.ordering(), array.shape());
                Broadcast.mul(shaped, targets.castTo(scale.dataType()), shaped, units);
            }
        }
        return scales;
    }

    private static double uniform(double n) {
        return 1 / Math.sqrt(3 * n);
    }

    private static int depth(List<ParamState> variables, ForwardPass pass) {
        Set<Trainable> counting = Collections.newSetFromMap(new IdentityHashMap<>());
        variables.stream().filter(WeightScale::isWeight).map(ParamState::getLayer)
                .filter(layer -> !isFrozen(layer) && !normalizesItself(layer) && !damps(layer, pass)).forEach(counting::add);
        Map<Trainable, Integer> depths = new IdentityHashMap<>();
        return counting.stream().mapToInt(layer -> depth(layer, counting, depths, pass)).max().orElse(0);
    }

    /** Of those that begin with a layer. */
    private static int depth(Trainable layer, Set<Trainable> counting, Map<Trainable, Integer> depths, ForwardPass pass) {
        if (!depths.containsKey(layer)) {
            int behind = pass.readersOf(layer).stream().filter(reader -> !normalizes(reader) && !normalizesItself(reader))
                    .mapToInt(reader -> depth(reader, counting, depths, pass)).max().orElse(0);
            depths.put(layer, behind + (counting.contains(layer) ? 1 : 0));
        }
        return depths.get(layer);
    }

    /** Whether a sigmoid follows the weights: not that of an output, which the gradient of its loss makes up for. */
    private static boolean damps(Trainable layer, ForwardPass pass) {
        List<Trainable> readers = pass.readersOf(layer);
        return !readers.isEmpty() && (hasSigmoid(layer) || readers.stream()
                .allMatch(reader -> reader.getConfig() instanceof ActivationLayer && hasSigmoid(reader)));
    }

    private static boolean hasSigmoid(Trainable layer) {
        TrainingConfig configuration = layer.getConfig() instanceof Bidirectional
                ? ((Bidirectional) layer.getConfig()).getFwd() : layer.getConfig();
        IActivation activation = configuration instanceof BaseLayer ? ((BaseLayer) configuration).getActivationFn()
                : configuration instanceof ActivationLayer ? ((ActivationLayer) configuration).getActivationFn() : null;
        return activation instanceof ActivationSigmoid || activation instanceof ActivationHardSigmoid;
    }

    private static double ofWeights(ParamState variable, double n, double shortening, ForwardPass pass) {
        Trainable layer = variable.getLayer();
        if (!(layer.getConfig() instanceof DenseLayer || layer.getConfig() instanceof ConvolutionLayer)) {
            return shortening * uniform(n);
        }
        INDArray weights = layer.paramTable(false).get(variable.getParamName());
        double own = weights.norm2Number().doubleValue() / Math.sqrt(weights.length());
        if (isScaleInvariant(layer, pass)) {
            return Math.max(own, SMALLEST_OWN * uniform(fanIn(layer, variable.getParamName())));
        }
        boolean inPart = isNormalized(layer, pass, reader -> reader.getConfig() instanceof Layer);
        return inPart ? Math.max(own / HE, uniform(n)) : shortening * uniform(n);
    }

    /**
     * Whether the network computes the same with all weights of the layer multiplied with a positive number; and its bias, unless
     * the normalization is within the layer, which adds it afterwards.
     */
    private static boolean isScaleInvariant(Trainable layer, ForwardPass pass) {
        return normalizesItself(layer) || isHomogeneous(layer)
                && isNormalized(layer, pass, reader -> isHomogeneous(reader) && addsNothing(reader));
    }

    private static boolean normalizesItself(Trainable layer) {
        return layer.getConfig() instanceof DenseLayer && ((DenseLayer) layer.getConfig()).hasLayerNorm();
    }

    /** Whether BatchNormalizations are all that reads the layer, as it is or through such layers without parameters. */
    private static boolean isNormalized(Trainable layer, ForwardPass pass, Predicate<Trainable> through) {
        List<Trainable> readers = pass.readersOf(layer);
        return !readers.isEmpty() && readers.stream().allMatch(reader -> normalizes(reader)
                || reader.numParams() == 0 && through.test(reader) && isNormalized(reader, pass, through));
    }

    /** A frozen BatchNormalization has statistics of its own. */
    private static boolean normalizes(Trainable layer) {
        return layer.getConfig() instanceof BatchNormalization && !isFrozen(layer) && addsNothing(layer);
    }

    /** Whether what the layer does to its input in training is nothing, or the common dropout: others may add something. */
    private static boolean addsNothing(Trainable layer) {
        IDropout dropout = ((Layer) layer.getConfig()).getIDropout();
        return dropout == null || dropout instanceof Dropout;
    }

    /** Whether f(a x) = a f(x) for a > 0, biases aside. */
    private static boolean isHomogeneous(Trainable layer) {
        if (layer.getConfig() instanceof DenseLayer || layer.getConfig() instanceof ConvolutionLayer) {
            return isHomogeneous(((BaseLayer) layer.getConfig()).getActivationFn());
        }
        if (layer.getConfig() instanceof ActivationLayer) {
            return isHomogeneous(((ActivationLayer) layer.getConfig()).getActivationFn());
        }
        return layer.getConfig() instanceof SubsamplingLayer || layer.getConfig() instanceof ZeroPaddingLayer
                || layer.getConfig() instanceof DropoutLayer;
    }

    private static boolean isHomogeneous(IActivation activation) {
        // A rectifier may have a maximum and a threshold.
        return activation instanceof ActivationIdentity || activation instanceof ActivationLReLU
                || new ActivationReLU().equals(activation);
    }

    /** Whether inputs are multiplied with it and summed up: false for biases, and for gains. */
    static boolean isWeight(ParamState variable) {
        return fanIn(variable.getLayer(), variable.getParamName()) > 0;
    }

    /**
     * Where it is in the network's flat parameters: the views of DL4J's updater are in another order for separable
     * convolutions.
     */
    static INDArrayIndex place(ParamState variable, INDArray parameters) {
        INDArray array = variable.getLayer().paramTable(false).get(variable.getParamName());
        long from = array.offset() - parameters.offset();
        return NDArrayIndex.interval(from, from + array.length());
    }

    /** 0 for parameters that are not multiplied with inputs and summed up. */
    private static double n(Trainable layer, String name, ForwardPass pass) {
        double fanIn = fanIn(layer, name);
        if (fanIn == 0) {
            return 0;
        }
        boolean recurrent = name.contains(LSTMParamInitializer.RECURRENT_WEIGHT_KEY);
        if (!recurrent) {
            INDArray input = pass.inputOf(layer);
            if (input != null) {
                boolean multiplied = isLookUp(layer) || layer.paramTable(false).get(name).rank() > 2
                        || fanIn == input.size(features(input, fanIn)) || fanIn == input.length() / input.size(0);
                if (!multiplied) {
                    // The inner weights of a variational autoencoder read its own units.
                    return fanIn;
                }
                double sum = Math.max(SMALLEST_SUM, fanIn * meanSquare(layer, input, fanIn));
                // Steps that are small enough for inputs which saturate gates would not open them again:
                // see zoo-examples/experiments/19-gates.txt.
                return isGated(layer) ? Math.min(sum, fanIn) : sum;
            }
        }
        boolean gated = recurrent ? isGated(layer)
                : pass.layerBefore(layer).map(before -> isGated(before.conf().getLayer())).orElse(false);
        return gated ? GATED_PART * fanIn : fanIn;
    }

    private static boolean isLookUp(Trainable layer) {
        return layer.getConfig() instanceof EmbeddingLayer || layer.getConfig() instanceof EmbeddingSequenceLayer;
    }

    /** The dimension of an input's features: the last one if only that fits, as in sequences of format NWC. */
    private static int features(INDArray input, double fanIn) {
        int last = input.rank() - 1;
        return input.size(1) != fanIn && input.size(last) == fanIn ? last : 1;
    }

    private static boolean isGated(Trainable layer) {
        return layer.getConfig() instanceof Layer && isGated((Layer) layer.getConfig());
    }

    private static boolean isGated(Layer layer) {
        return layer instanceof AbstractLSTM || layer instanceof GravesBidirectionalLSTM
                || layer instanceof Bidirectional && isGated(((Bidirectional) layer).getFwd())
                || layer instanceof BaseWrapperLayer && isGated(((BaseWrapperLayer) layer).getUnderlying());
    }

    /**
     * Of a layer's inputs, at least 1/positions, of which a batch has one per example and step of time (or pixel): Adam's
     * step for an input that is on in every k-th batch only is sqrt(k) times as long.
     */
    private static double meanSquare(Trainable layer, INDArray input, double fanIn) {
        if (isLookUp(layer)) {
            return Math.max(1 / fanIn, 1.0 / input.length());
        }
        // Steps of time in which nothing is on are behind the end of a sequence: masks do not reach every layer.
        int features = features(input, fanIn);
        double positions = input.rank() == 3
                ? Math.max(1, input.amax(features).scan(Conditions.notEquals(0)).doubleValue())
                : input.length() / (double) input.size(features);
        double norm = inFloatingPoint(input).norm2Number().doubleValue();
        return Math.max(1, norm * norm / input.size(features)) / positions;
    }

    static INDArray inFloatingPoint(INDArray numbers) {
        return numbers.dataType() == DataType.DOUBLE ? numbers : numbers.castTo(DataType.FLOAT);
    }

    private static double fanIn(Trainable layer, String name) {
        long[] shape = layer.paramTable(false).get(name).shape();
        if (!(layer.getConfig() instanceof Layer)) {
            // The matrices of an AttentionVertex.
            return shape.length == 2 ? shape[0] : 0;
        }
        Layer configuration = (Layer) layer.getConfig();
        if (configuration instanceof PReLULayer || configuration instanceof ElementWiseMultiplicationLayer) {
            return 0;
        }
        ParamInitializer initializer = configuration.initializer();
        // DL4J does not call the depthwise part of a separable convolution a weight.
        boolean weight = shape.length > 2
                || shape.length == 2 && initializer != null && initializer.isWeightParam(configuration, name);
        if (!weight) {
            return 0;
        }
        if (configuration instanceof DepthwiseConvolution2D) {
            return shape[0] * (double) shape[1];
        }
        if (configuration instanceof SeparableConvolution2D
                && name.equals(SeparableConvolutionParamInitializer.DEPTH_WISE_WEIGHT_KEY)) {
            return shape[2] * (double) shape[3];
        }
        if (shape.length == 2) {
            // Peephole connections of GravesLSTM are three more columns: they do not change the rows.
            return shape[0];
        }
        double product = 1;
        for (int i = 1; i < shape.length; i++) {
            product *= shape[i];
        }
        return product;
    }
}
