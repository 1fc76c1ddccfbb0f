package io.github.dl4jstepsize;

import org.nd4j.linalg.api.rng.Random;
import org.nd4j.linalg.factory.Nd4j;

/** A position in this thread's stream of random numbers. */
final class RandomState {

    private final long root;
    private final long node;

    private RandomState(long root, long node) {
        this.root = root;
        this.node = node;
    }

    static RandomState now() {
        Random random = Nd4j.getRandom();
        return new RandomState(random.rootState(), random.nodeState());
    }

    void restore() {
        Nd4j.getRandom().setStates(root, node);
    }

    boolean isSameAs(RandomState other) {
        return root == other.root && node == other.node;
    }
}
