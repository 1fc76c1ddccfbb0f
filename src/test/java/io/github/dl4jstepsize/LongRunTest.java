package io.github.dl4jstepsize;

import com.sun.management.UnixOperatingSystemMXBean;
import org.bytedeco.javacpp.Pointer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;

import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

/**
 * A long training needs no more memory, arrays or files than a short one. 50,000 iterations and their figures:
 * {@code mvn test -Dexcluded.tests= -Dtest=LongRunTest -DargLine=-Xmx512m}. (In a large heap the garbage collector
 * comes so rarely that millions of arrays, DL4J's own most of all, wait for it.)
 */
class LongRunTest {

    private static final Problem PROBLEM = Problem.MLP_DROPOUT_L2;
    private static final int BATCHES_PER_EPOCH = 100;
    /** Until the workspaces have their sizes and the code is compiled. */
    private static final int WARM_UP = 500;
    /** After which a test has failed. */
    private static final int MOST_COLLECTIONS = 100;
    /** The heap's own noise; below one small object for an iteration. */
    private static final double HEAP_PER_ITERATION = 500;

    static Stream<StepSizeUpdater> updaters() {
        return Stream.of(LabPalUpdater.builder().searchEvery(100).momentum(0.5).batchSchedule(Map.of(0, 1, 300, 2)).build(),
                new SalsaUpdater());
    }

    @ParameterizedTest
    @MethodSource("updaters")
    void twoThousandIterations(StepSizeUpdater updater) throws Exception {
        staysTheSame(updater, 2_000);
    }

    /** Methods that copy batches, or take them apart. */
    @ParameterizedTest
    @MethodSource("updatersWithBatches")
    @Tag("benchmark")
    void twoThousandIterationsWithBatches(StepSizeUpdater updater) throws Exception {
        staysTheSame(updater, 2_000);
    }

    static Stream<StepSizeUpdater> updatersWithBatches() {
        return Stream.of(new PlsUpdater(), AccuracySlsUpdater.builder().searchBatch(AccuracySlsUpdater.SearchBatch.LARGE)
                .searchEvery(200).build(), LabPalUpdater.published().batchSchedule(Map.of(0, 3)).searchEvery(20).build());
    }

    @ParameterizedTest
    @MethodSource("updaters")
    @Tag("benchmark")
    void fiftyThousandIterations(StepSizeUpdater updater) throws Exception {
        staysTheSame(updater, 50_000);
    }

    private static void staysTheSame(StepSizeUpdater updater, int iterations) throws Exception {
        List<MultiDataSet> batches = IntStream.range(0, BATCHES_PER_EPOCH)
                .mapToObj(i -> PROBLEM.batch(i, 8, DataType.FLOAT)).collect(Collectors.toList());
        MultiLayerNetwork network = (MultiLayerNetwork) PROBLEM.network(updater, DataType.FLOAT);
        network.addListeners(new StepSizeListener());
        fit(network, batches, WARM_UP);
        Memory start = new Memory(Integer.MAX_VALUE);
        fit(network, batches, iterations / 2);
        Memory middle = new Memory(start.arrays);
        fit(network, batches, iterations - iterations / 2);
        Memory end = new Memory(start.arrays);

        String figures = String.format(Locale.ROOT, "%s, %,d iterations%nstart  %s%nmiddle %s%nend    %s", updater,
                iterations, start, middle, end);
        System.out.println(figures);
        assertEquals(start.workspaces, end.workspaces, figures);
        assertTrue(end.files <= start.files, figures);
        assertTrue(end.arrays <= start.arrays, figures);
        assertTrue(end.heap <= start.heap + HEAP_PER_ITERATION * iterations, figures);
    }

    private static void fit(MultiLayerNetwork network, List<MultiDataSet> batches, int iterations) {
        for (int i = 0; i < iterations; i++) {
            Problem.fit(network, batches.get(i % BATCHES_PER_EPOCH));
            if (i % BATCHES_PER_EPOCH == BATCHES_PER_EPOCH - 1) {
                network.incrementEpochCount();
            }
        }
    }

    /** What is in use after a garbage collection. */
    private static final class Memory {

        private final long heap;
        private final long physical;
        private final long files;
        private final int arrays;
        private final Map<String, Long> workspaces;

        /** Waits until no more arrays are in use than {@code expected}, but not for ever. */
        private Memory(int expected) throws Exception {
            int count = Integer.MAX_VALUE;
            int last;
            int rounds = 0;
            do {
                last = count;
                System.gc();
                // ND4J's threads free the native memory of what was collected.
                Thread.sleep(200);
                count = NativeArrays.references().size();
            } while (count < last || count > expected && rounds++ < MOST_COLLECTIONS);
            arrays = count;
            heap = ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
            physical = Pointer.physicalBytes();
            files = ManagementFactory.getPlatformMXBean(UnixOperatingSystemMXBean.class).getOpenFileDescriptorCount();
            workspaces = Nd4j.getWorkspaceManager().getAllWorkspacesForCurrentThread().stream()
                    .collect(Collectors.toMap(MemoryWorkspace::getId, MemoryWorkspace::getCurrentSize));
        }

        @Override
        public String toString() {
            return String.format(Locale.ROOT, "heap %,d kB, physical %,d kB, %d arrays, %d files, workspaces %s",
                    heap / 1024, physical / 1024, arrays, files, workspaces);
        }
    }
}
