package io.github.dl4jstepsize;

import org.deeplearning4j.nn.api.ParamInitializer;
import org.deeplearning4j.nn.api.Trainable;
import org.deeplearning4j.nn.conf.layers.AbstractLSTM;
import org.deeplearning4j.nn.conf.layers.DepthwiseConvolution2D;
import org.deeplearning4j.nn.conf.layers.EmbeddingLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.GravesBidirectionalLSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.PReLULayer;
import org.deeplearning4j.nn.conf.layers.SeparableConvolution2D;
import org.deeplearning4j.nn.conf.layers.misc.ElementWiseMultiplicationLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.conf.layers.variational.VariationalAutoencoder;
import org.deeplearning4j.nn.conf.layers.wrapper.BaseWrapperLayer;
import org.deeplearning4j.nn.params.LSTMParamInitializer;
import org.deeplearning4j.nn.params.SeparableConvolutionParamInitializer;
import org.deeplearning4j.nn.params.VariationalAutoencoderParamInitializer;
import org.deeplearning4j.nn.updater.UpdaterBlock.ParamState;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Broadcast;
import org.nd4j.linalg.indexing.conditions.Conditions;

/** The number of inputs that a unit of a layer multiplies with its weights and sums up. */
final class FanIn {

    /** Inputs that are almost 0 in the first batch may be larger later: see zoo-examples/experiments/19-gates.txt. */
    private static final double SMALLEST_SUM = 0.1;

    /**
     * Of fan_in behind an LSTM, whose outputs are small: a gate, half open at first, times a hyperbolic tangent. Tried on two
     * workloads beside 1: zoo-examples/experiments/09-input-scale.txt.
     */
    private static final double GATED_PART = 0.2;

    private static final String FIRST_OF_AUTOENCODER = VariationalAutoencoderParamInitializer.ENCODER_PREFIX + 0
            + VariationalAutoencoderParamInitializer.WEIGHT_KEY_SUFFIX;

    private FanIn() {
    }

    /** 0 for parameters that are not multiplied with inputs and summed up. */
    static double of(Trainable layer, String name) {
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

    /**
     * How many inputs of mean square 1 would make a sum as large as those of the current batch do; 0 as above.
     *
     * @param larger what the network's inputs are divided by: see {@link InputSize}; may be null
     */
    static double effective(Trainable layer, String name, INDArray larger, ForwardPass pass) {
        double fanIn = of(layer, name);
        if (fanIn == 0) {
            return 0;
        }
        INDArray input = networkInput(layer, name, pass);
        if (input != null) {
            double sum = Math.max(SMALLEST_SUM, fanIn * meanSquare(layer, input, larger, fanIn));
            // Steps that are small enough for inputs which saturate gates would not open them again:
            // see zoo-examples/experiments/19-gates.txt.
            return isGated(layer) ? Math.min(sum, fanIn) : sum;
        }
        boolean gated = isRecurrent(name) ? isGated(layer)
                : pass.layerBefore(layer).map(before -> isGated(before.conf().getLayer())).orElse(false);
        return gated ? GATED_PART * fanIn : fanIn;
    }

    /** The network's input that is multiplied with weights; null if something else is. */
    static INDArray networkInput(Trainable layer, String name, ForwardPass pass) {
        // A layer's inner weights read its own units: those of an attention, and of a variational autoencoder, where there may
        // be as many as inputs.
        boolean isInner = layer.getConfig() instanceof VariationalAutoencoder && !name.equals(FIRST_OF_AUTOENCODER);
        INDArray input = isRecurrent(name) || isInner ? null : pass.inputOf(layer);
        double fanIn = of(layer, name);
        boolean multiplied = input != null && (isLookUp(layer) || layer.paramTable(false).get(name).rank() > 2
                || fanIn == input.size(features(input, fanIn)) || fanIn == input.length() / input.size(0));
        return multiplied ? input : null;
    }

    private static boolean isRecurrent(String name) {
        return name.contains(LSTMParamInitializer.RECURRENT_WEIGHT_KEY);
    }

    static boolean isLookUp(Trainable layer) {
        return layer.getConfig() instanceof EmbeddingLayer || layer.getConfig() instanceof EmbeddingSequenceLayer;
    }

    /** The dimension of an input's features: the last one if only that fits, as in sequences of format NWC. */
    static int features(INDArray input, double fanIn) {
        int last = input.rank() - 1;
        return input.size(1) != fanIn && input.size(last) == fanIn ? last : 1;
    }

    static boolean isGated(Trainable layer) {
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
    private static double meanSquare(Trainable layer, INDArray input, INDArray larger, double fanIn) {
        if (isLookUp(layer)) {
            return Math.max(1 / fanIn, 1.0 / input.length());
        }
        // Steps of time in which nothing is on are behind the end of a sequence: masks do not reach every layer.
        int features = features(input, fanIn);
        double positions = input.rank() == 3
                ? Math.max(1, input.amax(features).scan(Conditions.notEquals(0)).doubleValue())
                : input.length() / (double) input.size(features);
        INDArray numbers = inFloatingPoint(input);
        INDArray divided = larger == null ? numbers
                : Broadcast.div(numbers, larger.castTo(numbers.dataType()), numbers.ulike(), features);
        double norm = divided.norm2Number().doubleValue();
        return Math.max(1, norm * norm / input.size(features)) / positions;
    }

    static INDArray inFloatingPoint(INDArray numbers) {
        return numbers.dataType() == DataType.DOUBLE ? numbers : numbers.castTo(DataType.FLOAT);
    }

    /** Whether inputs are multiplied with it and summed up: false for biases, and for gains. */
    static boolean isWeight(ParamState variable) {
        return of(variable.getLayer(), variable.getParamName()) > 0;
    }
}
