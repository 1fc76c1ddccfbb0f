package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.Outcome;
import io.github.dl4jstepsize.rule.Step;
import org.deeplearning4j.nn.api.Model;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataBuffer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Sgd;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

/**
 * In an iteration without a search there is no array outside workspaces but those that DL4J makes with the base updater.
 * Views of other arrays, shapes and single numbers do not count.
 */
class AllocationTest {

    private static final Problem PROBLEM = Problem.CNN_BATCH_NORM_DROPOUT;
    /** Iterations, after which workspaces have their sizes and LABPAL has measured twice. */
    private static final int WARM_UP = 25;
    /** The garbage collector hides what was made before it ran, but it does not run in each of these iterations. */
    private static final int REPETITIONS = 3;

    static Stream<Arguments> methods() {
        return Stream.concat(OperationCountTest.methods(), Stream.of(
                Arguments.of(new MomoUpdater(), new Adam()),
                Arguments.of(new DogUpdater(), new Sgd()),
                Arguments.of(new ProdigyUpdater(), new Adam())));
    }

    @ParameterizedTest
    @MethodSource("methods")
    void noArraysBeyondTheBase(StepSizeUpdater updater, IUpdater base) throws ReflectiveOperationException {
        Map<Long, Integer> ofBase = sizesOfNewArrays(base);
        assertFalse(ofBase.isEmpty(), "arrays are found");
        assertEquals(ofBase, sizesOfNewArrays(updater), "number of arrays of each size");
    }

    @Test
    void anArrayOfARulesOwnIsFound() throws ReflectiveOperationException {
        Map<Long, Integer> sizes = sizesOfNewArrays(new Sgd());
        sizes.merge(7L, 1, Integer::sum);
        assertEquals(sizes, sizesOfNewArrays(new ProbeUpdater(batch -> {
            Nd4j.create(DataType.FLOAT, 7);
            return Step.chosen(1e-3, 1e-3, Outcome.CONSTANT);
        })));
    }

    private static Map<Long, Integer> sizesOfNewArrays(IUpdater updater) throws ReflectiveOperationException {
        Model network = PROBLEM.network(updater, DataType.FLOAT);
        network.setListeners(List.of(new StepSizeListener()));
        MultiDataSet batch = PROBLEM.batch(1, 8, DataType.FLOAT);
        for (int i = 0; i < WARM_UP; i++) {
            Problem.fit(network, batch);
        }
        Map<Long, Integer> sizes = new TreeMap<>();
        for (int i = 0; i < REPETITIONS; i++) {
            Set<String> before = new HashSet<>(NativeArrays.references().keySet());
            Problem.fit(network, batch);
            sizesExcept(before).forEach((size, count) -> sizes.merge(size, count, Math::max));
        }
        return sizes;
    }

    private static Map<Long, Integer> sizesExcept(Set<String> before) throws ReflectiveOperationException {
        Map<Long, Integer> sizes = new TreeMap<>();
        NativeArrays.references().forEach((number, reference) -> {
            Object object = before.contains(number) ? null : reference.get();
            if (object instanceof DataBuffer) {
                DataBuffer buffer = (DataBuffer) object;
                boolean view = buffer.originalDataBuffer() != null;
                if (!view && !buffer.isAttached() && buffer.dataType().isFPType() && buffer.length() > 1) {
                    sizes.merge(buffer.length(), 1, Integer::sum);
                }
            }
        });
        return sizes;
    }
}
