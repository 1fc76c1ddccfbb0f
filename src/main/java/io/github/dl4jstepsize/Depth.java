package io.github.dl4jstepsize;

import org.deeplearning4j.nn.api.Trainable;
import org.deeplearning4j.nn.api.TrainingConfig;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.BaseLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.updater.UpdaterBlock.ParamState;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.activations.impl.ActivationHardSigmoid;
import org.nd4j.linalg.activations.impl.ActivationSigmoid;

import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * How many layers with weights to train follow one another in a network without a normalization between them. Hidden layers
 * with a sigmoid, which damps changes to a quarter at most, do not count; layers within a layer count as one.
 */
final class Depth {

    private Depth() {
    }

    /** On the way through the network on which they are the most. */
    static int of(List<ParamState> variables, ForwardPass pass) {
        Set<Trainable> counting = Collections.newSetFromMap(new IdentityHashMap<>());
        variables.stream().filter(FanIn::isWeight).map(ParamState::getLayer)
                .filter(layer -> pass.isTrained(layer) && !Normalization.isWithin(layer) && !damps(layer, pass))
                .forEach(counting::add);
        Map<Trainable, Integer> depths = new IdentityHashMap<>();
        return counting.stream().mapToInt(layer -> depth(layer, counting, depths, pass)).max().orElse(0);
    }

    /** Of those that begin with a layer. */
    private static int depth(Trainable layer, Set<Trainable> counting, Map<Trainable, Integer> depths, ForwardPass pass) {
        if (!depths.containsKey(layer)) {
            int behind = pass.readersOf(layer).stream()
                    .filter(reader -> !Normalization.normalizes(reader) && !Normalization.isWithin(reader))
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
}
