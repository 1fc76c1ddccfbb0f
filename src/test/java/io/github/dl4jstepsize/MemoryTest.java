package io.github.dl4jstepsize;

import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

import java.lang.reflect.Array;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import static org.junit.jupiter.api.Assertions.assertTrue;

/**
 * How many bytes a method holds on to, in vectors of the size of the parameters, beyond what the base updater saves:
 * every array that can be reached from the network's updater is counted, once for each memory block.
 */
class MemoryTest {

    private static final int INPUTS = 64;
    private static final int HIDDEN = 4096;
    private static final int CLASSES = 10;
    private static final int BATCH = 8;
    /** The first searches, measurements and averages are behind. */
    private static final int ITERATIONS = 30;
    private static final Pattern FOLLOWED = Pattern.compile("(io\\.github\\.dl4jstepsize|org\\.nd4j\\.linalg\\.learning)\\..*");

    static Stream<Arguments> methods() {
        return Stream.of(
                // One vector, or none ...
                Arguments.of(new LabPalUpdater(), new Sgd(), 2),
                Arguments.of(LabPalUpdater.builder().mode(LabPalUpdater.Mode.SGD).build(), new Sgd(), 2),
                Arguments.of(new PalUpdater(), new Sgd(), 2),
                Arguments.of(new SlsUpdater(), new Sgd(), 1),
                Arguments.of(new AccuracySlsUpdater(), new Sgd(), 1),
                Arguments.of(new GolsUpdater(), new Sgd(), 1),
                Arguments.of(new PlsUpdater(), new Sgd(), 2),
                Arguments.of(new L4Updater(), new Adam(), 0),
                Arguments.of(L4Updater.builder().direction(L4Updater.Direction.MOMENTUM).build(), new Nesterovs(), 0),
                Arguments.of(new MomoUpdater(), new Adam(), 0),
                Arguments.of(MomoUpdater.builder().direction(MomoUpdater.Direction.MOMENTUM).build(), new Nesterovs(), 0),
                Arguments.of(new FanUpdater(), new Adam(), 1),
                Arguments.of(new AutoUpdater(), new Adam(), 1),
                // ... one more for the average ...
                Arguments.of(L4Updater.builder().averaging(true).build(), new Adam(), 1),
                // ... two with a slope in another metric than the direction's ...
                Arguments.of(new PolUpdater(), new Adam(), 2),
                Arguments.of(new SalsaUpdater(), new Adam(), 2),
                Arguments.of(SlsUpdater.builder().base(new Adam()).build(), new Adam(), 2),
                // ... and those that need more.
                Arguments.of(SalsaUpdater.builder().direction(SalsaUpdater.Direction.SGD).build(), new Sgd(), 1),
                Arguments.of(new DogUpdater(), new Sgd(), 1),
                Arguments.of(new ProdigyUpdater(), new Adam(), 2));
    }

    @ParameterizedTest
    @MethodSource("methods")
    void vectorsBeyondTheBase(StepSizeUpdater updater, IUpdater base, int expected) throws IllegalAccessException {
        vectorsBeyondTheBase(trained(base, 0), trained(updater, 0), expected);
    }

    /** DL4J begins a new block of parameters at every BatchNormalization: room for intermediate results there is once. */
    @Test
    void manySmallBlocksNeedNoMore() throws IllegalAccessException {
        vectorsBeyondTheBase(trained(new Adam(), 8), trained(SlsUpdater.builder().base(new Adam()).build(), 8), 2);
    }

    private static void vectorsBeyondTheBase(MultiLayerNetwork plain, MultiLayerNetwork network, int expected)
            throws IllegalAccessException {
        INDArray baseState = plain.getUpdater().getStateViewArray();
        INDArray state = network.getUpdater().getStateViewArray();
        long saved = bytes(state) - (baseState == null ? 0 : bytes(baseState));

        Map<Long, Long> blocks = new HashMap<>();
        count(network.getUpdater(), Collections.newSetFromMap(new IdentityHashMap<>()), blocks);
        assertTrue(blocks.containsKey(address(state)) && blocks.containsKey(address(network.params())), "arrays are found");
        for (INDArray ofTheNetwork : new INDArray[]{state, network.params(), network.getFlattenedGradients()}) {
            blocks.remove(address(ofTheNetwork));
        }
        long held = blocks.values().stream().mapToLong(Long::longValue).sum();
        double vector = bytes(network.params());
        // Room for an intermediate result, of bounded size, is less than half a vector here.
        double room = (double) BlockVector.PIECE * network.params().data().getElementSize();
        double count = (saved + held) / vector;
        assertTrue(room < vector / 2 && expected - 0.1 < count && count < expected + room / vector + 0.1,
                expected + " expected, but " + count + ": saved " + saved + " bytes, held " + held + " bytes");
    }

    /** @param normalized the number of layers with a normalization, of a hundredth of the parameters each, before the others */
    private static MultiLayerNetwork trained(IUpdater updater, int normalized) {
        NeuralNetConfiguration.ListBuilder list = new NeuralNetConfiguration.Builder().seed(1).updater(updater).list();
        for (int i = 0; i < normalized; i++) {
            list.layer(new DenseLayer.Builder().nIn(INPUTS).nOut(INPUTS).activation(Activation.TANH).build());
            list.layer(new BatchNormalization.Builder().nIn(INPUTS).nOut(INPUTS).build());
        }
        MultiLayerNetwork network = new MultiLayerNetwork(list
                .layer(new DenseLayer.Builder().nIn(INPUTS).nOut(HIDDEN).activation(Activation.TANH).build())
                .layer(new OutputLayer.Builder(LossFunction.MCXENT).nIn(HIDDEN).nOut(CLASSES).activation(Activation.SOFTMAX)
                        .build()).build());
        network.init();
        network.setListeners(new StepSizeListener());
        INDArray labels = Nd4j.zeros(BATCH, CLASSES);
        for (int i = 0; i < BATCH; i++) {
            labels.putScalar(i, i % CLASSES, 1);
        }
        Nd4j.getRandom().setSeed(1);
        for (int i = 0; i < ITERATIONS; i++) {
            network.fit(Nd4j.rand(BATCH, INPUTS), labels);
        }
        return network;
    }

    private static long bytes(INDArray array) {
        return array.length() * array.data().getElementSize();
    }

    private static long address(INDArray array) {
        return array.data().originalDataBuffer() == null ? array.data().address() : array.data().originalDataBuffer().address();
    }

    /** Follows references within this library's classes and ND4J's updaters, and through arrays, collections and maps. */
    private static void count(Object object, Set<Object> seen, Map<Long, Long> blocks) throws IllegalAccessException {
        if (object == null || !seen.add(object)) {
            return;
        }
        if (object instanceof INDArray) {
            INDArray array = (INDArray) object;
            if (!array.isAttached()) {
                long elements = array.data().originalDataBuffer() == null ? array.data().length()
                        : array.data().originalDataBuffer().length();
                blocks.put(address(array), elements * array.data().getElementSize());
            }
        } else if (object instanceof Object[]) {
            for (int i = 0; i < Array.getLength(object); i++) {
                count(Array.get(object, i), seen, blocks);
            }
        } else if (object instanceof Iterable) {
            for (Object element : (Iterable<?>) object) {
                count(element, seen, blocks);
            }
        } else if (object instanceof Map) {
            for (Object element : ((Map<?, ?>) object).values()) {
                count(element, seen, blocks);
            }
        } else {
            for (Class<?> type = object.getClass(); FOLLOWED.matcher(type.getName()).matches(); type = type.getSuperclass()) {
                for (Field field : type.getDeclaredFields()) {
                    if (!Modifier.isStatic(field.getModifiers()) && !field.getType().isPrimitive()) {
                        field.setAccessible(true);
                        count(field.get(object), seen, blocks);
                    }
                }
            }
        }
    }
}
